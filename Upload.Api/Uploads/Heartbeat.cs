using Lifecycle.Store;

namespace Upload.Api.Uploads;

/// <summary>A sign of life at every interval while something goes on; ends with disposal, or with the lease.</summary>
internal sealed class Heartbeat : IAsyncDisposable
{
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Task _beating;

    /// <param name="every">Several fit into the lease: a store's outage may cost one.</param>
    /// <param name="beat">False: the lease is another's.</param>
    /// <param name="time">The clock.</param>
    public Heartbeat(TimeSpan every, Func<CancellationToken, Task<bool>> beat, TimeProvider time) => _beating = BeatAsync(every, beat, time);

    /// <summary>Cancelled when the lease is another's.</summary>
    public CancellationToken Lost => _lost.Token;

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _beating;
        _over.Dispose();
        _lost.Dispose();
    }

    private async Task BeatAsync(TimeSpan every, Func<CancellationToken, Task<bool>> beat, TimeProvider time)
    {
        using PeriodicTimer timer = new(every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_over.Token))
            {
                try
                {
                    if (!await beat(_over.Token))
                    {
                        await _lost.CancelAsync();
                        return;
                    }
                }
                catch (Exception exception) when (Outages.IsOutage(exception))
                {
                    // The next one may come through; what is committed carries the lease's token anyway.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
    }
}
