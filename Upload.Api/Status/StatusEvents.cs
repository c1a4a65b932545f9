using System.Text.Json;
using Lifecycle.Store.Videos;

namespace Upload.Api.Status;

/// <summary>Sends a feed as server-sent events: the same stream for clients without WebSocket; each event's id is the change's sequence number.</summary>
internal sealed class StatusEvents(HttpResponse response, TimeProvider time) : IDisposable
{
    /// <summary>A comment line as often as the WebSocket pings: a client that is gone is noticed, and no proxy takes the stream for idle.</summary>
    private static readonly TimeSpan _pulse = StatusSocket.Options.KeepAliveInterval;

    private readonly SemaphoreSlim _writing = new(1);

    public async Task RunAsync(OpenFeed feed, CancellationToken stopping, CancellationToken ct)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct, stopping);
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        var pulsing = PulseAsync(ended.Token);
        try
        {
            await foreach (var change in feed.ReadAsync(ended.Token))
            {
                await WriteAsync(EventOf(change), ended.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // Gone, does not read, or the server stops: EventSource connects again by itself.
        }
        finally
        {
            await ended.CancelAsync();
            await pulsing;
        }
    }

    public void Dispose() => _writing.Dispose();

    private static string EventOf(VideoStatus change) =>
        $"id: {change.Sequence}\nevent: status\ndata: {JsonSerializer.Serialize(StatusRoutes.MessageOf(change), StatusJson.Default.StatusMessage)}\n\n";

    private async Task PulseAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(_pulse, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                await WriteAsync(":\n\n", ct);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // Over; a client that is gone ends the feed's reading too.
        }
    }

    private async Task WriteAsync(string text, CancellationToken ct)
    {
        await _writing.WaitAsync(ct);
        try
        {
            await response.WriteAsync(text, ct);
            await response.Body.FlushAsync(ct);
        }
        finally
        {
            _writing.Release();
        }
    }
}
