using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>A live stream of an account's, through the gateway.</summary>
internal sealed class OnAir(Platform platform, Account owner, string id)
{
    /// <summary>Between the last picture and COMPLETE: Streams:ResumeWithinSeconds, as the platform is set up here, and what is in flight.</summary>
    private static readonly TimeSpan _completeWithin = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan _startsWithin = TimeSpan.FromSeconds(20);

    public string Id => id;

    public Uri Manifest => new(platform.Address("gateway"), $"/stream/{id}/manifest");

    /// <summary>The platform's own place for a stream, as a request names it.</summary>
    public static string IngestUrl(Platform platform, string id) => $"{platform.Application.GetEndpoint("ingest", "rtmp").AbsoluteUri.TrimEnd('/')}/live/{id}";

    /// <summary>Waits until the encoder has its slot.</summary>
    public static async Task<OnAir> ProvisionedAsync(Platform platform, Account owner, string? url = null, CancellationToken ct = default)
    {
        OnAir stream = new(platform, owner, NewId());
        await stream.RequestAsync(url ?? IngestUrl(platform, stream.Id), ct);
        await stream.WorkflowAsync("AwaitLifecycleConfirmation", _startsWithin, ct);
        return stream;
    }

    public static string NewId() => $"live-{Guid.NewGuid():N}"[..20];

    public async Task RequestAsync(string url, CancellationToken ct)
    {
        using var answer = await PostAsync(owner.Http, id, url, ct);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, $"{answer.StatusCode} {await answer.Content.ReadAsStringAsync(ct)}");
    }

    public static Task<HttpResponseMessage> PostAsync(HttpClient http, string id, string url, CancellationToken ct) => http.PostAsJsonAsync("/streams", new
    {
        streamId = id,
        title = $"Broadcast {id}",
        startTime = StartTime,
        ingestEndpoints = new[] { new { protocol = url.Split(':')[0], url } },
    }, ct);

    public Task<JsonElement> GetAsync(CancellationToken ct) => owner.GetAsync($"/streams/{id}", ct);

    public async Task<string> PushUrlAsync(CancellationToken ct) => (await GetAsync(ct)).GetProperty("ingest").GetProperty("pushUrl").GetString()!;

    public async Task<Guid> VideoIdAsync(CancellationToken ct) => (await GetAsync(ct)).GetProperty("videoId").GetGuid();

    public Task<JsonElement> WorkflowAsync(string state, TimeSpan within, CancellationToken ct) => Poll.UntilAsync(
        () => GetAsync(ct), stream => stream.GetProperty("workflow").GetProperty("state").GetString() == state, within, $"{id} in {state}");

    public Task<JsonElement> StatusAsync(string status, TimeSpan within, CancellationToken ct) => Poll.UntilAsync(
        () => GetAsync(ct), stream => stream.GetProperty("status").GetString() is { } now && (now == status || (status == "READY" && now == "LIVE")), within, $"{id} {status}");

    /// <summary>Waits for the broadcast's end and for its recording: the address of the video's manifest.</summary>
    public async Task<Uri> RecordedAsync(CancellationToken ct)
    {
        await StatusAsync("COMPLETE", _completeWithin, ct);
        var video = await VideoIdAsync(ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, Library.EndsWithin, ct));
        return new(platform.Address("gateway"), $"/stream/{video}/manifest");
    }

    /// <summary>The one that the request had, so that a repetition is the same request.</summary>
    private static string StartTime { get; } = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ssK", System.Globalization.CultureInfo.InvariantCulture);
}
