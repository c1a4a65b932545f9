using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Fabric.Consensus;

namespace Storage.Metadata.Nodes;

/// <summary>What a node says of itself on <c>/health</c>; foreign ones may leave out fields.</summary>
internal sealed record NodeHealth(string? Status, double? DiskUsage, long? ChunkCount);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NodeHealth))]
internal sealed partial class NodeJson : JsonSerializerContext;

/// <summary>
/// Speaks to nodes. Their addresses come from registrations and commits: no redirect is followed, no proxy asked, and an answer is read only
/// so far. Every call has its time; one that fails throws what <see cref="IsFailure"/> knows.
/// </summary>
internal sealed class NodeClient : IDisposable
{
    private const int MostAnswerBytes = 8 << 20;

    private static readonly TimeSpan _pingWithin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _askWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _storeWithin = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public NodeClient(IOptions<MetadataOptions> options, TimeProvider time)
    {
        _time = time;
        _http = ChunkHttp.Create(options.Value.NodeCredential);
        _http.MaxResponseContentBufferSize = MostAnswerBytes;
    }

    /// <summary>The node did not answer, or not as nodes do.</summary>
    public static bool IsFailure(Exception exception, CancellationToken ct) =>
        exception is HttpRequestException or IOException or JsonException or InvalidDataException || (exception is OperationCanceledException && !ct.IsCancellationRequested);

    /// <summary>The id that a node at this address says it has.</summary>
    public async Task<string?> PingAsync(string url, CancellationToken ct)
    {
        using var answer = await SendAsync(new(HttpMethod.Head, url + "/ping"), _pingWithin, ct);
        return answer.IsSuccessStatusCode && answer.Headers.TryGetValues("X-Node-ID", out var ids) ? ids.FirstOrDefault() : null;
    }

    /// <summary>Null: it answers, but not as a node that can be used. A critical one says so with 503: it is alive, only full.</summary>
    public async Task<NodeHealth?> HealthAsync(string url, TimeSpan within, CancellationToken ct)
    {
        using var answer = await SendAsync(new(HttpMethod.Get, url + "/health"), within, ct);
        return answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable && await answer.Content.ReadFromJsonAsync(NodeJson.Default.NodeHealth, ct) is { Status: not null } health ? health : null;
    }

    /// <summary>Null: it has no acceptor.</summary>
    public async Task<AcceptorAnswers?> ConsensusAsync(string url, AcceptorBatch batch, CancellationToken ct)
    {
        // As bytes, not as a stream of JSON: with its length in the header it leaves in one write.
        using HttpRequestMessage request = new(HttpMethod.Post, url + "/consensus") { Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(batch, ConsensusJson.Default.AcceptorBatch)) };
        request.Content.Headers.ContentType = new("application/json");
        using var answer = await SendAsync(request, _askWithin, ct);
        if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
        {
            return null;
        }

        answer.EnsureSuccessStatusCode();
        var answers = JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(ct), ConsensusJson.Default.AcceptorAnswers);
        return answers?.Answers?.Count == batch.Requests.Count ? answers : throw new InvalidDataException("The node did not answer every message.");
    }

    /// <summary>Whether it has the object with that checksum, by seed 002's own means.</summary>
    public async Task<bool> HasAsync(string url, string objectId, string checksum, CancellationToken ct)
    {
        using var answer = await SendAsync(new(HttpMethod.Head, $"{url}/chunk/{objectId}"), _askWithin, ct);
        // Bare, where HTTP wants quotes: not to be had from the parsed header.
        return answer.IsSuccessStatusCode && answer.Headers.NonValidated.TryGetValues("ETag", out var tags)
            && Checksum.TryParse(tags.ToString().Trim('"'), out var hex) && hex == checksum;
    }

    /// <summary>Stores it durably; one that is there already stays as it is.</summary>
    public async Task PutAsync(string url, string objectId, ReadOnlyMemory<byte> bytes, string checksum, CancellationToken ct)
    {
        using HttpRequestMessage request = new(HttpMethod.Put, $"{url}/chunk/{objectId}") { Content = new ReadOnlyMemoryContent(bytes) };
        request.Content.Headers.ContentType = new("application/octet-stream");
        request.Headers.Add("X-Chunk-Checksum", checksum);
        using var answer = await SendAsync(request, _storeWithin, ct);
        if (answer.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK))
        {
            throw new HttpRequestException(string.Create(CultureInfo.InvariantCulture, $"The node answered {(int)answer.StatusCode} to a PUT."), null, answer.StatusCode);
        }
    }

    /// <summary>Afterwards it is not there, whether or not it was.</summary>
    public async Task DeleteAsync(string url, string objectId, CancellationToken ct)
    {
        using var answer = await SendAsync(new(HttpMethod.Delete, $"{url}/chunk/{objectId}"), _askWithin, ct);
        if (answer.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.Gone))
        {
            answer.EnsureSuccessStatusCode();
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, TimeSpan within, CancellationToken ct)
    {
        using var sent = request;
        using CancellationTokenSource deadline = new(within, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, both.Token);
    }
}
