using System.Globalization;

namespace Storage.Tests.Consensus.Simulation;

/// <summary>
/// One thread, a virtual clock, and every step of every process in one queue: what happens when comes from the seed alone, so a
/// schedule that fails can be run again, with its trace.
/// </summary>
internal sealed class World(int seed, bool traced)
{
    private readonly PriorityQueue<(SimulatedProcess? Process, SendOrPostCallback Run, object? State), (long At, int Tie)> _steps = new();
    private readonly List<Task> _tasks = [];
    private readonly List<string>? _trace = traced ? [] : null;
    private long _now;

    public Random Random { get; } = new(seed);

    public Faults Faults { get; set; } = Faults.None;

    public TimeSpan Now => new(_now);

    /// <summary>What has gone wrong first; the run ends with it.</summary>
    public string? Violation { get; private set; }

    /// <summary>How often a thing has happened: shows that the schedules reach what they are meant to.</summary>
    public Dictionary<string, int> Seen { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<string> TraceLines => _trace ?? [];

    public bool Chance(double probability) => Random.NextDouble() < probability;

    public TimeSpan Between(double leastMilliseconds, double mostMilliseconds) =>
        TimeSpan.FromMilliseconds(leastMilliseconds + ((mostMilliseconds - leastMilliseconds) * Random.NextDouble()));

    /// <summary>A restart may be so quick that messages of before still come.</summary>
    public TimeSpan RestartDelay() => Chance(0.5) ? Between(0, 3) : Between(0, 150);

    /// <param name="process">Null: the world itself, which does not crash.</param>
    public void After(TimeSpan delay, SimulatedProcess? process, Action action) => Queue(delay.Ticks, process, static state => ((Action)state!)(), action);

    /// <summary>Steps of one moment run in an order of chance.</summary>
    public void Queue(long delay, SimulatedProcess? process, SendOrPostCallback run, object? state) => _steps.Enqueue((process, run, state), (_now + delay, Random.Next()));

    /// <summary>Starts an async method on a process; an exception of it is a violation.</summary>
    public void Start(SimulatedProcess process, Func<Task> main) => After(TimeSpan.Zero, process, () => _tasks.Add(main()));

    public void Violated(string what)
    {
        Violation ??= what;
        Trace($"VIOLATION {what}");
    }

    public void Count(string what) => Seen[what] = Seen.GetValueOrDefault(what) + 1;

    public void Trace(FormattableString what) => _trace?.Add(string.Create(CultureInfo.InvariantCulture, $"{Now.TotalMilliseconds,9:0.000} {what.ToString(CultureInfo.InvariantCulture)}"));

    /// <summary>Until there is nothing left to do, or a violation.</summary>
    public void Run()
    {
        var before = SynchronizationContext.Current;
        try
        {
            while (Violation is null && _steps.TryDequeue(out var step, out var when))
            {
                _now = when.At;
                Take(step.Process, step.Run, step.State);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        if (_tasks.Find(task => task.IsFaulted) is { } broken)
        {
            Violated($"an exception that nobody expects: {broken.Exception}");
        }
    }

    private void Take(SimulatedProcess? process, SendOrPostCallback run, object? state)
    {
        if (process is { IsAlive: false })
        {
            return;
        }

        if (process is not null && Chance(Faults.CrashPerStep))
        {
            process.Crash();
            return;
        }

        SynchronizationContext.SetSynchronizationContext(process);
        run(state);
    }
}

/// <summary>How bad this schedule's world is.</summary>
internal sealed record Faults(double CrashPerStep, double Drop, double Duplicate, double Late, double FailedWrite, double LostAnswerOfPostgres, double Restore)
{
    public static readonly Faults None = new(0, 0, 0, 0, 0, 0, 0);

    public static Faults Draw(Random random) => new(
        Pick(random, 0, 0.003, 0.02), Pick(random, 0, 0.1, 0.3), Pick(random, 0, 0.1, 0.5), Pick(random, 0, 0.1, 0.4), Pick(random, 0, 0, 0.05), Pick(random, 0, 0, 0.2),
        Pick(random, 0, 0, 0, 0.5));

    private static double Pick(Random random, params ReadOnlySpan<double> from) => from[random.Next(from.Length)];
}
