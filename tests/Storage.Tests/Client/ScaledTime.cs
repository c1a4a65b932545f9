namespace Storage.Tests.Client;

/// <summary>The system's clock, some times as fast: an hour of video is played in minutes, and every timeout shrinks with it.</summary>
internal sealed class ScaledTime(double factor) : TimeProvider
{
    private readonly long _began = System.GetTimestamp();
    private readonly DateTimeOffset _beganAt = System.GetUtcNow();

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => _began + (long)((System.GetTimestamp() - _began) * factor);

    public override DateTimeOffset GetUtcNow() => _beganAt + GetElapsedTime(_began);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Timer(System.CreateTimer(callback, state, Scaled(dueTime), Scaled(period)), factor);

    private TimeSpan Scaled(TimeSpan time) => Scaled(time, factor);

    private static TimeSpan Scaled(TimeSpan time, double factor) => time <= TimeSpan.Zero ? time : TimeSpan.FromTicks((long)Math.Max(TimeSpan.TicksPerMillisecond, time.Ticks / factor));

    private sealed class Timer(ITimer timer, double factor) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Scaled(dueTime, factor), Scaled(period, factor));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
