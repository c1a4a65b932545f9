namespace Lifecycle.Store.Outbox;

/// <summary>Tells this process's relay that a transaction with outbox rows has committed. Losing one costs a poll.</summary>
public sealed class OutboxSignal : IDisposable
{
    private readonly SemaphoreSlim _rows = new(0, 1);

    public void Set()
    {
        try
        {
            _rows.Release();
        }
        catch (SemaphoreFullException)
        {
            // The relay has not come round yet; it will see these rows too.
        }
    }

    /// <summary>Returns when a commit was signalled or <paramref name="atMost"/> has passed.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken ct) => _rows.WaitAsync(atMost, ct);

    public void Dispose() => _rows.Dispose();
}
