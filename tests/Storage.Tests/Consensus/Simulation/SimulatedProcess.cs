namespace Storage.Tests.Consensus.Simulation;

/// <summary>What runs between a start and a crash. Every continuation of its async methods is a step of the world's queue; after the crash none runs any more.</summary>
internal sealed class SimulatedProcess : SynchronizationContext
{
    private readonly World _world;
    private readonly Action _onCrash;

    public SimulatedProcess(World world, string name, Action onCrash)
    {
        (_world, Name, _onCrash) = (world, name, onCrash);
        Time = new SimulatedTime(world, this);
    }

    public string Name { get; }

    public bool IsAlive { get; private set; } = true;

    public TimeProvider Time { get; }

    public override void Post(SendOrPostCallback d, object? state) => _world.Queue(0, this, d, state);

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("There is one thread.");

    public void Crash()
    {
        if (IsAlive)
        {
            IsAlive = false;
            _world.Count("crash");
            _world.Trace($"{Name} crashes");
            _onCrash();
        }
    }
}

/// <summary>The world's clock; its timers end with their process.</summary>
internal sealed class SimulatedTime(World world, SimulatedProcess process) : TimeProvider
{
    private static readonly DateTimeOffset _start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => world.Now.Ticks;

    public override DateTimeOffset GetUtcNow() => _start + world.Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Timer timer = new(world, process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(World world, SimulatedProcess process, TimerCallback callback, object? state) : ITimer
    {
        private int _version;

        /// <summary>One-shot: nothing here asks for a period.</summary>
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var version = ++_version;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                world.After(dueTime, process, () =>
                {
                    if (version == _version)
                    {
                        callback(state);
                    }
                });
            }

            return true;
        }

        public void Dispose() => _version++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
