using System.Collections.Concurrent;
using System.Diagnostics;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using LocalHosting.Tests.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VideoPlatform.AppHost;
using Xunit;

namespace LocalHosting.Tests.Running;

/// <summary>VideoPlatform.AppHost/ingest.conf.template in a real nginx, with real encoders and players, before an API that the test writes itself.</summary>
public sealed class IngestTests : IAsyncLifetime
{
    private const int Refused = 1;

    private readonly ConcurrentQueue<string> _asked = new();
    private readonly List<Process> _started = [];
    private WebApplication _api = WebApplication.CreateSlimBuilder().Build();
    private DistributedApplication? _app;
    private string _url = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var api = WebApplication.CreateSlimBuilder();
        api.Logging.ClearProviders();
        api.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        _api = api.Build();
        _api.Run(async context =>
        {
            var form = await context.Request.ReadFormAsync(Ct);
            _asked.Enqueue($"{context.Request.Path} {form["call"]} {form["app"]} {form["name"]}");
            context.Response.StatusCode = form["key"] == "right" ? 204 : 403;
        });
        await _api.StartAsync(Ct);

        var builder = Models.Create("--ephemeral", "--LocalHosting:ConsoleLogs=false");
        var ingest = builder.AddContainer("ingest", "alfg/nginx-rtmp")
            .WithBindMount(Path.Combine(AppContext.BaseDirectory, "ingest.conf.template"), "/etc/nginx/nginx.conf.template", isReadOnly: true)
            .WithEnvironment("LIVE_API", new Uri(_api.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Authority)
            .WithEndpoint(targetPort: 1935, scheme: "rtmp", name: "rtmp")
            .WithHealthCheck("ingest-rtmp");
        builder.Services.AddHealthChecks().AddCheck("ingest-rtmp", new RtmpHandshake(ingest.GetEndpoint("rtmp")));
        _app = builder.Build();
        await _app.StartAsync(Ct);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("ingest", Ct);
        _url = $"{_app.GetEndpoint("ingest", "rtmp").AbsoluteUri.TrimEnd('/')}/live";
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _started)
        {
            if (!process.HasExited)
                process.Kill();
            process.Dispose();
        }

        if (_app is not null)
            await _app.DisposeAsync();
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task A_player_that_came_first_gets_the_broadcast_and_ends_with_it()
    {
        var player = Play("one", "right");
        await Eventually.Holds(() => _asked.ToArray(), asked => asked.Contains("/ingest/play play live one"));
        var publisher = Publish("one", "right", seconds: 3);
        Assert.Equal(0, await ExitAsync(publisher));
        Assert.Equal(0, await ExitAsync(player)); // at once, and not after a time without data
        Assert.Contains("/ingest/publish publish live one", _asked);
        await Eventually.Holds(() => _asked.ToArray(), asked => asked.Contains("/ingest/publish-done publish_done live one"));
    }

    [Fact]
    public async Task Without_the_right_answer_nobody_publishes_and_nobody_plays()
    {
        Assert.Equal(Refused, await ExitAsync(Publish("two", "wrong", seconds: 10)));
        Assert.Equal(Refused, await ExitAsync(Play("two", "wrong")));
        await _api.StopAsync(Ct);
        Assert.Equal(Refused, await ExitAsync(Publish("two", "right", seconds: 10)));
    }

    [Fact]
    public async Task A_stream_has_one_publisher_and_the_next_one_when_that_has_gone()
    {
        var first = Publish("three", "right", seconds: 60);
        await Eventually.Holds(() => _asked.ToArray(), asked => asked.Contains("/ingest/publish publish live three"));
        Assert.Equal(Refused, await ExitAsync(Publish("three", "right", seconds: 10)));
        first.Kill();
        await Eventually.Holds(() => ExitAsync(Publish("three", "right", seconds: 1)), code => code == 0);
    }

    private Process Publish(string stream, string key, int seconds) => Start(
        "-re", "-f", "lavfi", "-i", $"testsrc2=s=160x90:r=10:d={seconds}", "-f", "lavfi", "-i", $"sine=r=48000:d={seconds}", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac",
        "-f", "flv", $"{_url}/{stream}?key={key}");

    private Process Play(string stream, string key) => Start("-i", $"{_url}/{stream}?key={key}", "-c", "copy", "-f", "null", "-");

    private Process Start(params string[] arguments)
    {
        var process = Process.Start("ffmpeg", ["-nostdin", "-v", "quiet", .. arguments]);
        _started.Add(process);
        return process;
    }

    private static async Task<int> ExitAsync(Process process)
    {
        await process.WaitForExitAsync(Ct).WaitAsync(TimeSpan.FromSeconds(20), Ct);
        return process.ExitCode;
    }
}
