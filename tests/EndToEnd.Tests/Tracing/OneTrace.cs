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
            ": POST /upload", ": processing.work relay", ": publish task.runnable", "processing-worker: process task.runnable",
            "processing-worker: task plan", "processing-worker: task audio", "processing-worker: task chunk", "processing-worker: task finalize",
            ": video.events relay", ": publish video.ready", "upload-api-1: process video.ready", "upload-api-2: process video.ready",
        ];
        await Poll.UntilAsync(
            () => Task.FromResult(string.Join("; ", expected.Where(wanted => !Of(trace).Any(span => $"{span.Service}: {span.Name}".Contains(wanted, StringComparison.Ordinal))))),
            missing => missing == "", _within, "every station of the upload in its trace; missing are");

        // Every span hangs, over others of the trace, on the request that began it. A parent comes after its children, with its service's next batch.
        await Poll.UntilAsync(
            () => Task.FromResult(string.Join("; ", Orphans(Of(trace), caller))), orphans => orphans == "", _within, "the parent of every span; without it are");
    }

    private static IEnumerable<Span> Orphans(List<Span> spans, string caller)
    {
        var ids = spans.Select(span => span.Id).Append(caller).ToHashSet(StringComparer.Ordinal);
        return spans.Where(span => !ids.Contains(span.Parent));
    }

    private List<Span> Of(string trace) => [.. platform.Traces.Spans.Where(span => span.Trace == trace)];
}
