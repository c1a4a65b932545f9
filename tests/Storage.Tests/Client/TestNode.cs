using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.AspNetCore.Hosting;

namespace Storage.Tests.Client;

internal enum Fault
{
    None,

    /// <summary>Takes requests and answers none, pings too.</summary>
    Hung,

    /// <summary>Answers pings; a chunk comes at some KB a second.</summary>
    Slow,

    /// <summary>Gives every chunk with a changed byte.</summary>
    Corrupt,

    /// <summary>Cuts every connection.</summary>
    Killed,
}

/// <summary>A storage node as the client knows it: <c>/ping</c> and <c>/chunk/{id}</c>.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private const int SlowBytes = 2048;

    private readonly WebApplication _app;
    private readonly CancellationTokenSource _end = new();
    private int _served;

    private TestNode(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single();

    public Fault Fault { get; set; }

    public ConcurrentDictionary<string, byte[]> Chunks { get; } = new(StringComparer.Ordinal);

    /// <summary>Requests for chunks.</summary>
    public int Served => Volatile.Read(ref _served);

    public static async Task<TestNode> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        TestNode node = new(app);
        app.Use(node.FailAsync);
        app.MapMethods("/ping", ["GET", "HEAD"], (HttpContext context) => context.Response.Headers["X-Node-ID"] = "test");
        app.MapGet("/chunk/{id}", node.GiveAsync);
        await app.StartAsync();
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _app.DisposeAsync();
        _end.Dispose();
    }

    private async Task FailAsync(HttpContext context, RequestDelegate next)
    {
        switch (Fault)
        {
            case Fault.Killed:
                context.Abort();
                break;
            case Fault.Hung:
                await HangAsync(context);
                break;
            default:
                await next(context);
                break;
        }
    }

    private async Task GiveAsync(string id, HttpContext context)
    {
        Interlocked.Increment(ref _served);
        if (!Chunks.TryGetValue(id, out var chunk))
        {
            context.Response.StatusCode = 404;
            return;
        }

        var bytes = Fault == Fault.Corrupt ? [.. chunk[..^1], (byte)~chunk[^1]] : chunk;
        context.Response.ContentLength = bytes.Length;
        for (var at = 0; at < bytes.Length;)
        {
            var part = Fault == Fault.Slow ? Math.Min(SlowBytes, bytes.Length - at) : bytes.Length - at;
            if (Fault == Fault.Slow)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, context.RequestAborted);
            }
            else if (Fault == Fault.Hung)
            {
                await HangAsync(context);
            }

            await context.Response.Body.WriteAsync(bytes.AsMemory(at, part), context.RequestAborted);
            at += part;
        }
    }

    private async Task HangAsync(HttpContext context)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _end.Token);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
    }
}
