using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Testing;
using Xunit;

namespace Storage.Tests.Nodes.Http;

public sealed class RegistrationTests
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_node_registers_until_it_works_beats_and_registers_again_when_it_is_forgotten()
    {
        ConcurrentQueue<(string Path, string Body, string? Authorization)> heard = new();
        var (registers, isKnown) = (503, false);
        await using var metadata = await MetadataAsync(async context =>
        {
            using StreamReader reader = new(context.Request.Body);
            heard.Enqueue((context.Request.Path, await reader.ReadToEndAsync(), context.Request.Headers.Authorization));
            var isRegistration = context.Request.Path == "/nodes/register";
            isKnown |= isRegistration && registers == 200;
            context.Response.StatusCode = isRegistration ? registers : isKnown ? 200 : 404;
        });

        await using NodeHost node = new();
        await node.StartAsync($"METADATA_SERVICE_URL={metadata.Urls.First()}/", "Node:HeartbeatSeconds=0.1", "Node:Credential=shared", "NODE_URL=http://node-1.example:8081");
        using var ready = await node.SendAsync(HttpMethod.Get, "/ready");
        ready.HasStatus(200);
        await Poll.UntilAsync(() => Task.FromResult(heard.Count(call => call.Path == "/nodes/register") >= 3), _within, "registrations that are refused");
        Assert.DoesNotContain(heard, call => call.Path.EndsWith("/heartbeat", StringComparison.Ordinal));

        registers = 200;
        await HeartbeatsAsync(2);
        var registration = heard.First(call => call.Path == "/nodes/register");
        Assert.Matches("""^\{"node_url":"http://node-1\.example:8081","node_id":"node-1","version":"1\.0\.0","acceptor_id":"[0-9a-f]{32}"\}$""", registration.Body);
        Assert.All(heard, call => Assert.Equal("Bearer shared", call.Authorization));
        Assert.Matches("^\\{\"disk_usage_percent\":[0-9.]+,\"chunk_count\":0\\}$", heard.First(call => call.Path == "/nodes/node-1/heartbeat").Body);

        heard.Clear();
        isKnown = false;
        await Poll.UntilAsync(() => Task.FromResult(heard.Any(call => call.Path == "/nodes/register")), _within, "another registration");
        heard.Clear();
        await HeartbeatsAsync(3);
        Assert.DoesNotContain(heard, call => call.Path == "/nodes/register");

        Task HeartbeatsAsync(int count) => Poll.UntilAsync(() => Task.FromResult(heard.Count(call => call.Path == "/nodes/node-1/heartbeat") >= count), _within, "heartbeats");
    }

    [Fact]
    public async Task Without_a_metadata_service_that_answers_the_node_serves()
    {
        await using NodeHost node = new();
        await node.StartAsync("METADATA_SERVICE_URL=http://127.0.0.1:1", "Node:HeartbeatSeconds=0.1");
        using var stored = await node.PutAsync("a", [1, 2, 3]);
        stored.HasStatus(201);
        using var ready = await node.SendAsync(HttpMethod.Get, "/ready");
        ready.HasStatus(200);
    }

    private static async Task<WebApplication> MetadataAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return app;
    }
}
