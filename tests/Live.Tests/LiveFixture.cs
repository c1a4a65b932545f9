using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>One store and one open replica for the tests of a class; they keep apart by the streams' ids.</summary>
public sealed class LiveFixture(Servers servers) : IAsyncLifetime
{
    public TestStore Store { get; private set; } = null!;

    internal LiveHost Host { get; private set; } = null!;

    public Servers Servers => servers;

    /// <summary>Where the replica's fault points are armed.</summary>
    public string Faults { get; } = Directory.CreateTempSubdirectory("live-faults-").FullName;

    public void Arm(string point, string action) => FaultFile.Arm(Faults, point, action);

    public async ValueTask InitializeAsync()
    {
        Store = await servers.CreateStoreAsync(TestContext.Current.CancellationToken);
        await Store.WorkersAsync(slots: 1000);
        Host = await LiveHost.StartAsync(Store, ("FaultPoints:Directory", Faults));
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Store.DisposeAsync();
        Directory.Delete(Faults, recursive: true);
    }
}
