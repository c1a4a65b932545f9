using Microsoft.Extensions.Options;
using Processing.Worker.Pool;
using Processing.Worker.Tasks;

namespace Worker.Tests.Live;

public sealed class Slots
{
    [Fact]
    public void A_live_session_takes_slots_from_the_newest_task_of_the_lowest_priority()
    {
        PoolSlots slots = new(Options.Create(new WorkerOptions { Slots = 3 }));
        using var urgent = slots.Begin(1, priority: 9, CancellationToken.None);
        using var older = slots.Begin(1, priority: 5, CancellationToken.None);
        using var newer = slots.Begin(1, priority: 5, CancellationToken.None);
        Assert.Equal((0, 3), (slots.FreeForTasks, slots.FreeForLive));
        using var first = slots.TakeForLive(1);
        Assert.Equal((false, false, true), (urgent.Stop.IsCancellationRequested, older.Stop.IsCancellationRequested, newer.Stop.IsCancellationRequested));
        using var second = slots.TakeForLive(1);
        Assert.Equal((false, true), (urgent.Stop.IsCancellationRequested, older.Stop.IsCancellationRequested));
        newer.Dispose();
        older.Dispose();
        Assert.Equal((0, 1, 3), (slots.FreeForTasks, slots.FreeForLive, slots.Busy));
        first.Dispose();
        first.Dispose();
        Assert.Equal((1, 2), (slots.FreeForTasks, slots.FreeForLive));
    }

    [Fact]
    public void A_task_that_was_claimed_while_a_live_session_took_its_slot_is_given_back()
    {
        PoolSlots slots = new(Options.Create(new WorkerOptions { Slots = 1 }));
        using (slots.TakeForLive(1))
        {
            using var late = slots.Begin(1, priority: 10, CancellationToken.None);
            Assert.True(late.Stop.IsCancellationRequested);
        }

        using var next = slots.Begin(1, priority: 1, CancellationToken.None);
        Assert.False(next.Stop.IsCancellationRequested);
    }

    [Fact]
    public void A_free_slot_needs_no_preemption_and_one_that_is_kept_is_no_tasks()
    {
        PoolSlots slots = new(Options.Create(new WorkerOptions { Slots = 2 }));
        using var task = slots.Begin(1, priority: 1, CancellationToken.None);
        slots.Keep(1);
        Assert.Equal((0, 1), (slots.FreeForTasks, slots.Free));
        var changed = slots.Changed;
        using var live = slots.TakeForLive(1);
        Assert.True(changed.IsCompleted);
        Assert.False(task.Stop.IsCancellationRequested);
    }
}
