using Xunit;

namespace EndToEnd.Tests;

/// <summary>Reads a status stream as server-sent events, as they come.</summary>
internal sealed class EventReader : IDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private HttpResponseMessage? _answer;
    private StreamReader? _lines;

    public async Task OpenAsync(HttpClient client, Guid video, CancellationToken ct)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/video/{video}/status/stream");
        request.Headers.Accept.Add(new("text/event-stream"));
        _answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        Assert.Equal("text/event-stream", _answer.Content.Headers.ContentType?.MediaType);
        _lines = new(await _answer.Content.ReadAsStreamAsync(ct));
    }

    /// <summary>The data of the next event; null at the end of the stream.</summary>
    public async Task<string?> NextAsync(CancellationToken ct)
    {
        using var within = CancellationTokenSource.CreateLinkedTokenSource(ct);
        within.CancelAfter(_within);
        while (await _lines!.ReadLineAsync(within.Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return line[6..];
            }
        }

        return null;
    }

    /// <summary>All events up to the end.</summary>
    public async Task<IReadOnlyList<string>> RestAsync(CancellationToken ct)
    {
        List<string> events = [];
        while (await NextAsync(ct) is { } data)
        {
            events.Add(data);
        }

        return events;
    }

    public void Dispose()
    {
        _lines?.Dispose();
        _answer?.Dispose();
    }
}
