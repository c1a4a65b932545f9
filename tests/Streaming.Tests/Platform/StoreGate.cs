using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Streaming.Tests.Platform;

/// <summary>What happens to one GET on its way back from the store.</summary>
/// <param name="PauseAt">Bytes after which it waits for <paramref name="Until"/>; -1: never.</param>
/// <param name="CutAt">Bytes after which the connection breaks; -1: never.</param>
/// <param name="Corrupt">Whether the last byte is another one.</param>
public sealed record GetFault(long PauseAt = -1, Task? Until = null, long CutAt = -1, bool Corrupt = false);

/// <summary>Stands before the real S3 server: counts what is read of each object and does to it what a test wants.</summary>
public sealed class StoreGate : IAsyncDisposable
{
    private const int Step = 16 * 1024;

    private readonly WebApplication _app;
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
    private readonly ConcurrentQueue<string> _gets = new();
    private int _abandoned;
    private readonly string _bucket;
    private readonly Uri _target;

    private StoreGate(Uri target, string bucket)
    {
        (_target, _bucket) = (target, bucket);
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(ForwardAsync);
    }

    /// <summary>Asked for each GET of an object, with the number of its GETs so far, this one included.</summary>
    public Func<string, int, GetFault?> OnGet { get; set; } = (_, _) => null;

    /// <summary>Every request fails with 503 while it is set.</summary>
    public bool IsDown { get; set; }

    public Uri Address => new(_app.Urls.First());

    public static async Task<StoreGate> OpenAsync(Uri target, string bucket)
    {
        StoreGate gate = new(target, bucket);
        await gate._app.StartAsync();
        return gate;
    }

    public int GetsOf(string key) => _gets.Count(seen => seen == key);

    public int Gets => _gets.Count;

    /// <summary>Answers that the reader did not want to the end.</summary>
    public int Abandoned => _abandoned;

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        if (IsDown)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        var key = context.Request.Path.Value!.Replace($"/{_bucket}/", "", StringComparison.Ordinal);
        GetFault? fault = null;
        if (HttpMethods.IsGet(context.Request.Method) && !context.Request.QueryString.HasValue)
        {
            _gets.Enqueue(key);
            fault = OnGet(key, GetsOf(key));
        }

        using HttpRequestMessage request = new(new(context.Request.Method), new Uri(_target, context.Request.Path + context.Request.QueryString));
        request.Content = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) ? null : new StreamContent(context.Request.Body);
        foreach (var header in context.Request.Headers)
        {
            // All of them, Host too: they are part of the signature.
            if (!request.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string?>)header.Value))
            {
                request.Content?.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string?>)header.Value);
            }
        }

        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        foreach (var header in response.Headers.Concat(response.Content.Headers).Where(header => header.Key is not ("Transfer-Encoding" or "Connection")))
        {
            context.Response.Headers[header.Key] = header.Value.ToArray();
        }

        try
        {
            await CopyAsync(await response.Content.ReadAsStreamAsync(context.RequestAborted), context, fault ?? new(), response.Content.Headers.ContentLength ?? -1);
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _abandoned);
        }
    }

    private static async Task CopyAsync(Stream source, HttpContext context, GetFault fault, long length)
    {
        var buffer = new byte[Step];
        long sent = 0;
        var paused = fault.PauseAt < 0;
        while (true)
        {
            if (!paused && sent >= fault.PauseAt)
            {
                paused = true;
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await fault.Until!.WaitAsync(context.RequestAborted);
            }

            var most = Math.Min(paused ? Step : fault.PauseAt - sent, fault.CutAt < 0 ? Step : Math.Max(0, fault.CutAt - sent));
            var count = most == 0 ? 0 : await source.ReadAsync(buffer.AsMemory(0, (int)Math.Min(Step, most)), context.RequestAborted);
            if (fault.CutAt >= 0 && sent >= fault.CutAt)
            {
                await context.Response.Body.FlushAsync(context.RequestAborted);
                context.Abort();
                return;
            }

            if (count == 0)
            {
                return;
            }

            sent += count;
            if (fault.Corrupt && sent == length)
            {
                buffer[count - 1] ^= 1;
            }

            await context.Response.Body.WriteAsync(buffer.AsMemory(0, count), context.RequestAborted);
        }
    }
}
