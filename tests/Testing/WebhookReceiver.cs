using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Testing;

/// <param name="At">A timestamp of Stopwatch.</param>
public sealed record Received(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body, long At)
{
    public Guid Id => Guid.Parse(Headers["webhook-id"]);

    public string Event => Headers["X-Webhook-Event"];

    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>A customer's server: keeps what it gets and answers what the test says, 204 otherwise.</summary>
public sealed class WebhookReceiver : IAsyncDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Received> _received = new();

    private WebhookReceiver(Func<HttpContext, int, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(async context =>
        {
            using MemoryStream body = new();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            Received received = new(
                context.Request.Path, context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray(), Stopwatch.GetTimestamp());
            _received.Enqueue(received);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            await answer(context, _received.Count(each => each.Path == received.Path));
        });
    }

    public IReadOnlyList<Received> All => [.. _received];

    public int Port => new Uri(_app.Urls.Single()).Port;

    public static Task<WebhookReceiver> StartAsync(CancellationToken ct) => StartAsync((_, _) => Task.CompletedTask, ct);

    /// <param name="answer">With the number of the request to its path, 1 for the first.</param>
    public static async Task<WebhookReceiver> StartAsync(Func<HttpContext, int, Task> answer, CancellationToken ct)
    {
        WebhookReceiver receiver = new(answer);
        await receiver._app.StartAsync(ct);
        return receiver;
    }

    public string Url(string path = "/hook") => $"http://127.0.0.1:{Port}{path}";

    public Task<IReadOnlyList<Received>> WaitAsync(int count) =>
        Poll.UntilAsync(() => Task.FromResult(All), all => all.Count >= count, _within, $"{count} requests at the receiver");

    public Task<IReadOnlyList<Received>> WaitAsync(string path, int count) =>
        Poll.UntilAsync<IReadOnlyList<Received>>(() => Task.FromResult<IReadOnlyList<Received>>([.. All.Where(each => each.Path == path)]), all => all.Count >= count, _within, $"{count} requests to {path}");

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
