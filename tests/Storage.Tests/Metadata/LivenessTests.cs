using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>A heartbeat or an answered probe is a sign of life; without one a node is degraded, then down.</summary>
public sealed class LivenessTests(Servers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_that_only_registered_stays_alive_by_probes_and_goes_down_by_way_of_degraded()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, MetadataHost.QuickDeath);
        var node = (await host.AddNodesAsync(1))[0];
        node.DiskUsage = 42.5;
        var registered = (await NodeAsync(host)).GetProperty("last_heartbeat").GetDateTime();
        await Poll.UntilAsync(
            async () => await NodeAsync(host), row => row.GetProperty("last_heartbeat").GetDateTime() > registered.AddSeconds(4.5) && row.GetProperty("disk_usage_percent").GetDouble() == 42.5,
            TimeSpan.FromSeconds(15), "a probe, longer after the registration than a silent node lives");
        Assert.Equal("healthy", (await NodeAsync(host)).GetProperty("status").GetString());

        await node.StopAsync();
        foreach (var state in (string[])["degraded", "down"])
        {
            await Poll.UntilAsync(async () => (await NodeAsync(host)).GetProperty("status").GetString(), seen => seen == state, TimeSpan.FromSeconds(15), state);
            Assert.Empty((await host.GetAsync("/nodes/healthy")).Body.EnumerateArray());
            Assert.Equal(1, (await host.GetAsync("/nodes/health-summary"))[state].GetInt32());
        }

        await node.StartAsync();
        await Poll.UntilAsync(async () => (await NodeAsync(host)).GetProperty("status").GetString(), seen => seen == "healthy", TimeSpan.FromSeconds(15), "healthy again");
    }

    [Fact]
    public async Task A_node_that_only_heartbeats_stays_alive()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, MetadataHost.QuickDeath);
        await host.PostAsync("/nodes/register?node_url=http://127.0.0.1:1&node_id=silent");
        await Poll.UntilAsync(async () => (await NodeAsync(host)).GetProperty("status").GetString(), seen => seen == "degraded", TimeSpan.FromSeconds(15), "degraded");
        await host.PostAsync("/nodes/silent/heartbeat", new { disk_usage_percent = 1, chunk_count = 7 });
        var row = await NodeAsync(host);
        Assert.Equal(("healthy", 7), (row.GetProperty("status").GetString(), row.GetProperty("chunk_count").GetInt32()));
    }

    private static async Task<System.Text.Json.JsonElement> NodeAsync(MetadataHost host) => (await host.GetAsync("/nodes/all"))["nodes"][0];
}
