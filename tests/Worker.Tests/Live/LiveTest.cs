using Testing;

namespace Worker.Tests.Live;

/// <summary>A test with stores and an RTMP server of its own.</summary>
public abstract class LiveTest(Servers servers) : IAsyncLifetime
{
    private protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private protected TestStore Store { get; private set; } = null!;

    private protected Ingest Ingest { get; private set; } = null!;

    private protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Store = await servers.CreateStoreAsync(Ct);
        Ingest = await Live.Ingest.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Ingest.DisposeAsync();
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
