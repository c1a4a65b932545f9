using Testing;
using Xunit;

namespace EndToEnd.Tests.Tracing;

/// <summary>An operator follows one upload from the request to READY in one trace.</summary>
public sealed class OneTrace(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_trace_runs_from_the_POST_through_outbox_broker_and_worker_to_READY()
    {
        var trace = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
        var caller = trace[..16];
        using HttpRequestMessage request = new(HttpMethod.Post, "/upload") { Content = Platform.Form(await Clips.ShortAsync()) };
        request.Headers.Add("traceparent", $"00-{trace}-{caller}-01");
        using var answer = await platform.Http.SendAsync(request, Ct);
        Assert.Equal(201, (int)answer.StatusCode);
        Assert.Equal("READY", await platform.EndStateAsync(await Platform.VideoIdAsync(answer, Ct), _within, Ct));

        string[] expected =
        [
            "upload-api: POST /upload", "upload-api: work relay", "processing-worker: task plan", "processing-worker: task audio",
            "processing-worker: task chunk", "processing-worker: task finalize", "video READY",
        ];
        var spans = await Poll.UntilAsync(
            () => Task.FromResult(platform.Traces.Spans.Where(span => span.Trace == trace).ToList()),
            seen => expected.All(wanted => seen.Any(span => Label(span).Contains(wanted, StringComparison.Ordinal))),
            _within, $"all of: {string.Join(", ", expected)}");

        // Every span hangs, over others of the trace, on the request that began it.
        var ids = spans.Select(span => span.Id).Append(caller).ToHashSet(StringComparer.Ordinal);
        Assert.All(spans, span => Assert.Contains(span.Parent, ids));
    }

    private static string Label(Span span) => $"{span.Service}: {span.Name}";
}
