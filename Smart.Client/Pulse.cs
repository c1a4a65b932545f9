namespace Smart.Client;

/// <summary>
/// Tells any number of waiters that something has changed. A waiter takes <see cref="Next"/>, then looks, then waits: a change between its look
/// and its wait is not missed.
/// </summary>
public sealed class Pulse
{
    private TaskCompletionSource _next = New();

    public Change Next => new(Volatile.Read(ref _next).Task);

    public void Set() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The next change after it was taken.</summary>
    public readonly struct Change(Task changed)
    {
        public Task WaitAsync(CancellationToken ct) => changed.WaitAsync(ct);

        /// <summary>Returns at the change, or when the time has passed.</summary>
        public async Task WithinAsync(TimeSpan time, TimeProvider provider, CancellationToken ct)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
            await Task.WhenAny(changed, Task.Delay(time, provider, ended.Token));
            await ended.CancelAsync(); // the timer goes with the wait
            ct.ThrowIfCancellationRequested();
        }
    }
}
