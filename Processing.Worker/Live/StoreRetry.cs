using Lifecycle.Store;

namespace Processing.Worker.Live;

/// <summary>A live stream waits for a store that is away as long as its lease lasts: what waits behind is bounded elsewhere.</summary>
internal static class StoreRetry
{
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(1);

    public static async Task<T> UntilDoneAsync<T>(Func<CancellationToken, Task<T>> work, TimeProvider time, CancellationToken ct)
    {
        for (var wait = _first; ; wait = wait * 2 < _longest ? wait * 2 : _longest)
        {
            try
            {
                return await work(ct);
            }
            catch (Exception exception) when (!ct.IsCancellationRequested && Outages.IsOutage(exception))
            {
                await Task.Delay(wait, time, ct);
            }
        }
    }
}
