using Microsoft.Extensions.Options;
using Processing.Worker.Tasks;

namespace Processing.Worker.Pool;

/// <summary>
/// Who holds this worker's slots: tasks and recordings, live sessions, and what is kept free for a recording. A live session goes first: it takes slots from
/// tasks, which are given back without spending an attempt, those of the lowest priority first and among them the newest, which have the least to lose.
/// </summary>
public sealed class PoolSlots(IOptions<WorkerOptions> options)
{
    private readonly Lock _gate = new();
    private readonly List<PoolSlot> _tasks = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _live;
    private int _kept;

    public int Total => options.Value.Slots;

    /// <summary>Held by tasks and live sessions.</summary>
    public int Busy => Locked(() => Held);

    /// <summary>Held by nobody.</summary>
    public int Free => Locked(() => Total - Held);

    /// <summary>What a task may take: nothing that is kept for somebody else.</summary>
    public int FreeForTasks => Locked(() => Total - Held - _kept);

    /// <summary>Free, or held by tasks.</summary>
    public int FreeForLive => Locked(() => Total - _live);

    /// <summary>Ends with the next change of who holds what.</summary>
    public Task Changed => Locked(() => _changed.Task);

    private int Held => _live + _tasks.Sum(task => task.Slots);

    /// <summary>Slots that tasks leave alone when they become free.</summary>
    public void Keep(int slots)
    {
        if (Locked(() => _kept) != slots) // who waits for a change is not woken for none
        {
            Change(() => _kept = slots);
        }
    }

    /// <summary>Holds slots for work that can be put off, until it is disposed.</summary>
    /// <param name="priority">10 is put off last.</param>
    /// <param name="stopping">Ends <see cref="PoolSlot.Stop"/> as well.</param>
    public PoolSlot Begin(int count, int priority, CancellationToken stopping)
    {
        PoolSlot slot = new(count, priority, CancellationTokenSource.CreateLinkedTokenSource(stopping), ended => Change(() => _tasks.Remove(ended)));
        var isOver = false;
        Change(() =>
        {
            _tasks.Add(slot);
            isOver = _live > 0 && Held > Total; // a live session took the slot while this was being claimed
        });
        if (isOver)
        {
            slot.Preempt();
        }

        return slot;
    }

    /// <summary>Takes slots for a live session, until it is disposed. Tasks that are in its way are told to stop; they end by themselves.</summary>
    public IDisposable TakeForLive(int slots)
    {
        List<PoolSlot> preempted = [];
        Change(() =>
        {
            _live += slots;
            var missing = Held - Total - _tasks.Where(task => task.Stop.IsCancellationRequested).Sum(task => task.Slots); // those are on their way out
            foreach (var task in _tasks.Where(task => !task.Stop.IsCancellationRequested).Reverse().OrderBy(task => task.Priority))
            {
                if (missing <= 0)
                {
                    break;
                }

                preempted.Add(task);
                missing -= task.Slots;
            }
        });
        foreach (var task in preempted)
        {
            task.Preempt();
        }

        return new LiveSlot(() => Change(() => _live -= slots));
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            change();
            changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.TrySetResult();
    }

    private sealed class LiveSlot(Action release) : IDisposable
    {
        private Action? _release = release;

        public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
    }
}

/// <summary>A hold on slots that a live session may take.</summary>
public sealed class PoolSlot(int count, int priority, CancellationTokenSource stop, Action<PoolSlot> end) : IDisposable
{
    public int Slots => count;

    public int Priority => priority;

    /// <summary>Ends when the worker stops, or a live session takes the slots: either way the work is given back.</summary>
    public CancellationToken Stop { get; } = stop.Token;

    internal void Preempt()
    {
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended meanwhile.
        }
    }

    public void Dispose()
    {
        end(this);
        stop.Dispose();
    }
}
