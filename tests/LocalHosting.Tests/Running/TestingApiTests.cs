using System.Globalization;
using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using LocalHosting.Processes;
using Xunit;

namespace LocalHosting.Tests.Running;

/// <summary>An AppHost as its users' tests start it, without the servers.</summary>
public sealed class TestingApiTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_test_changes_the_model_starts_it_and_talks_to_it()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.SampleAppHost>(["--Sample:Servers=false"], Ct);
        builder.CreateResourceBuilder((ProjectResource)builder.Resources.Single(r => r.Name == "service")).WithEnvironment("SAMPLE_FROM_TEST", "set");
        await using var app = await builder.BuildAsync(Ct);
        await app.StartAsync(Ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("service", Ct);
        using var http = app.CreateHttpClient("service", "http");
        Assert.Equal("set", await http.GetStringAsync("/environment/SAMPLE_FROM_TEST", Ct));
        Assert.Equal("yes", await http.GetStringAsync("/environment/SAMPLE_FROM_PROFILE", Ct));
        Assert.Equal(http.BaseAddress, app.GetEndpoint("service", "http"));
        Assert.StartsWith("http://127.0.0.1:", await http.GetStringAsync("/environment/ASPNETCORE_URLS", Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replicas_share_a_port_and_the_living_ones_answer_for_the_dead()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.SampleAppHost>(["--Sample:Servers=false"], Ct);
        await using var app = await builder.BuildAsync(Ct);
        await app.StartAsync(Ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("service", Ct);
        var pids = EngineTests.Pids(app, "service-0", "service-1");
        // One connection each: the proxy balances connections.
        HashSet<int> seen = [];
        await Eventually.Holds(
            async () =>
            {
                seen.Add(await PidAsync(app));
                return seen.Count;
            },
            count => count == 2);
        Assert.True(seen.SetEquals(pids));

        Native.Signal(pids[0], UnixSignal.KILL);
        for (var i = 0; i < 10; i++)
            Assert.NotEqual(pids[0], await PidAsync(app));
        await Eventually.Holds(() => EngineTests.Pids(app, "service-0"), now => now.Count == 1 && now[0] != pids[0]);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("service", Ct);
    }

    [Fact]
    public async Task A_builder_that_is_not_built_leaves_nothing()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.SampleAppHost>([], Ct);
        var state = builder.Configuration["LocalHosting:StateFolder"]!;
        await builder.DisposeAsync();
        Assert.False(Directory.Exists(state));
    }

    private static async Task<int> PidAsync(DistributedApplication app)
    {
        using var http = app.CreateHttpClient("service", "http");
        return await http.GetFromJsonAsync<int>("/pid", Ct);
    }
}
