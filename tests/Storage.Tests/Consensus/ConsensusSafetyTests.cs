using System.Collections.Concurrent;
using Storage.Tests.Consensus.Simulation;
using Xunit;

namespace Storage.Tests.Consensus;

/// <summary>The production Acceptor and Proposer in a simulated world, by the ten thousands.</summary>
public sealed class ConsensusSafetyTests
{
    private const int Usual = 10_000;
    private const int Long = 1_000_000;

    /// <summary>Every broken rule shows within so many.</summary>
    private const int Mutants = 3_000;

    /// <summary>What the schedules must have met, or they show nothing.</summary>
    private static readonly string[] _events =
    [
        "crash", "crash between durable and answer", "unfinished write kept", "unfinished write lost", "failed write", "lost message", "Postgres' answer lost",
        "accept of the first ballot", "first ballot given out again", "accept of a later ballot", "won", "lost to another value", "undecided", "placement moved",
    ];

    [Fact]
    public void Ten_thousand_schedules_choose_one_value_each() => AssertSafe(0, Usual, Math.Max(1, Environment.ProcessorCount / 2));

    [Fact]
    [Trait("Long", "true")]
    public void A_million_schedules_choose_one_value_each() => AssertSafe(Usual, Long, Environment.ProcessorCount);

    [Theory]
    [InlineData(Mutation.PromiseIsNotDurable)]
    [InlineData(Mutation.AcceptsBelowThePromise)]
    [InlineData(Mutation.HidesWhatIsAccepted)]
    [InlineData(Mutation.MisstatesTheAcceptedBallot)]
    [InlineData(Mutation.TakesTwoCallsAtOnce)]
    [InlineData(Mutation.GroupOfTheRequest)]
    public void A_broken_rule_is_caught(Mutation mutation)
    {
        var caught = Enumerable.Range(0, Mutants).FirstOrDefault(seed => Schedule.Run(seed, mutation).Violation is not null, -1);
        Assert.True(caught >= 0, $"{mutation}: {Mutants} schedules, and nothing was noticed.");
        TestContext.Current.SendDiagnosticMessage($"{mutation}: caught by seed {caught}");
    }

    [Fact]
    public void A_seed_gives_the_same_schedule_again()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var trace = Schedule.Run(seed, traced: true).TraceLines;
            Assert.NotEmpty(trace);
            Assert.Equal(trace, Schedule.Run(seed, traced: true).TraceLines);
        }
    }

    /// <summary>On threads of its own: the pool is for the servers of the tests beside it.</summary>
    private static void AssertSafe(int from, int count, int threads)
    {
        ConcurrentDictionary<string, int> seen = new(StringComparer.Ordinal);
        var (next, failing) = (from - 1, int.MaxValue);
        List<Thread> running = [.. Enumerable.Range(0, threads).Select(_ => new Thread(RunSome))];
        running.ForEach(thread => thread.Start());
        running.ForEach(thread => thread.Join());

        void RunSome()
        {
            int seed;
            while (Volatile.Read(ref failing) == int.MaxValue && (seed = Interlocked.Increment(ref next)) < from + count)
            {
                var world = Schedule.Run(seed);
                foreach (var (what, times) in world.Seen)
                {
                    seen.AddOrUpdate(what, times, (_, before) => before + times);
                }

                if (world.Violation is not null)
                {
                    Interlocked.CompareExchange(ref failing, seed, int.MaxValue);
                }
            }
        }

        if (failing < int.MaxValue)
        {
            var world = Schedule.Run(failing, traced: true);
            Assert.Fail($"Seed {failing}: {world.Violation}\n{string.Join('\n', world.TraceLines)}");
        }

        TestContext.Current.SendDiagnosticMessage($"{count} schedules: {string.Join(", ", seen.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Key} {one.Value}"))}");
        Assert.All(_events, what => Assert.True(seen.GetValueOrDefault(what) > 0, $"No schedule had: {what}"));
    }
}
