namespace Lifecycle.Store;

/// <summary>Wakes one waiting loop of this process. Losing a signal costs a poll.</summary>
public abstract class Signal : IDisposable
{
    private readonly SemaphoreSlim _set = new(0, 1);

    public void Set()
    {
        try
        {
            _set.Release();
        }
        catch (SemaphoreFullException)
        {
            // The loop has not come round yet; it will see this as well.
        }
    }

    /// <summary>Returns when it was set or <paramref name="atMost"/> has passed.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken ct) => _set.WaitAsync(atMost, ct);

    public void Dispose()
    {
        _set.Dispose();
        GC.SuppressFinalize(this);
    }
}
