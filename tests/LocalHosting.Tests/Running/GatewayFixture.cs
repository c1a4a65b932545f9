using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using LocalHosting.Tests.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace LocalHosting.Tests.Running;

/// <summary>The platform's own gateway configuration in a real nginx, in front of two replicas that the test writes itself.</summary>
public sealed class GatewayFixture : IAsyncLifetime
{
    private readonly WebApplication[] _replicas = [Replica(), Replica()];
    private DistributedApplication? _app;

    /// <summary>What a replica does with a request; the number is the replica's.</summary>
    public Func<int, HttpContext, Task> Handler { get; set; } = (_, _) => Task.CompletedTask;

    public ConcurrentQueue<(int Replica, string Request)> Seen { get; } = new();

    public HttpClient Http { get; private set; } = new();

    /// <summary>The uploader's own port.</summary>
    public HttpClient Uploader { get; private set; } = new();

    public async ValueTask InitializeAsync()
    {
        List<string> servers = [];
        foreach (var (replica, number) in _replicas.Select((r, i) => (r, i)))
        {
            replica.UseWebSockets();
            replica.Run(context =>
            {
                Seen.Enqueue((number, $"{context.Request.Method} {context.Request.Path}"));
                return context.Request.Path == "/health" ? context.Response.WriteAsync("ok", context.RequestAborted) : Handler(number, context);
            });
            await replica.StartAsync(TestContext.Current.CancellationToken);
            servers.Add($"server {new Uri(replica.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Authority} max_fails=0;");
        }

        var builder = Models.Create("--ephemeral", "--LocalHosting:ConsoleLogs=false");
        var gateway = builder.AddContainer("gateway", "nginx")
            .WithBindMount(Path.Combine(AppContext.BaseDirectory, "gateway.conf.template"), "/etc/nginx/templates/default.conf.template", isReadOnly: true)
            .WithEnvironment("GATEWAY_CACHE", "segments")
            .WithHttpEndpoint(targetPort: 8080)
            .WithHttpEndpoint(targetPort: 8084, name: "uploader")
            .WithHttpHealthCheck("/health");
        foreach (var upstream in (string[])["UPLOAD_API", "PROCESSING_WORKER", "STREAMING_API", "LIVE_API", "STORAGE_METADATA"])
            gateway.WithEnvironment(upstream, string.Join(' ', servers));
        _app = builder.Build();
        await _app.StartAsync(TestContext.Current.CancellationToken);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("gateway", TestContext.Current.CancellationToken);
        Http = _app.CreateHttpClient("gateway", "http");
        Uploader = _app.CreateHttpClient("gateway", "uploader");
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Uploader.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
    }

    private static WebApplication Replica()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        return builder.Build();
    }
}
