using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Storage.Fabric.Chunks;

/// <summary>Storage.Metadata as seed 002 documents it. A failure is an <see cref="HttpRequestException"/>, also an answer that is not the documented one.</summary>
/// <param name="http">Its base address is the service's; its timeout bounds a call.</param>
public sealed class MetadataClient(HttpClient http)
{
    /// <summary>The manifest of a day of coded chunks is near 20 MB; what is longer is not read.</summary>
    private const int MostAnswerBytes = 32 << 20;

    /// <param name="url">The service's; a path in it stays.</param>
    /// <param name="within">Of a call.</param>
    /// <param name="credential">What the service asks of those who change something; null: nothing.</param>
    public static MetadataClient At(string url, TimeSpan within, string? credential = null)
    {
        SocketsHttpHandler sockets = new()
        {
            AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2), PooledConnectionLifetime = TimeSpan.FromMinutes(5), // then the name is looked up again
        };
        HttpClient http = new(sockets) { BaseAddress = new($"{url.TrimEnd('/')}/"), Timeout = within };
        http.DefaultRequestHeaders.Authorization = credential is null ? null : new("Bearer", credential);
        return new(http);
    }

    /// <summary>Null: there is no such video.</summary>
    public async Task<ChunkManifest?> ManifestAsync(Guid videoId, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Get, $"manifest/{videoId:D}", null, ct);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return ManifestReading.Of(await ReadAsync(response, MetadataJson.Default.ManifestBody, ct));
    }

    /// <summary>Nodes that take chunks, the emptiest first.</summary>
    public async Task<IReadOnlyList<HealthyNode>> HealthyNodesAsync(CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Get, "nodes/healthy", null, ct);
        response.EnsureSuccessStatusCode();
        return [.. (await ReadAsync(response, MetadataJson.Default.IReadOnlyListHealthyNode, ct)).OfType<HealthyNode>()];
    }

    /// <summary>Counts one view.</summary>
    public async Task ViewAsync(Guid videoId, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Post, $"video/{videoId:D}/view", null, ct);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Makes the placement known. Repeating it is safe: the same content commits again, another one is a conflict.</summary>
    public async Task<CommitAnswer> CommitAsync(string chunkId, CommitBody body, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Post, $"chunk/{Uri.EscapeDataString(chunkId)}/commit", JsonContent.Create(body, MetadataJson.Default.CommitBody), ct);
        if (response.StatusCode == HttpStatusCode.Conflict)
        {
            return new(false, [], (await ReadAsync(response, MetadataJson.Default.RefusalBody, ct)).Detail ?? "Conflict", Conflict: true);
        }

        response.EnsureSuccessStatusCode();
        return await ReadAsync(response, MetadataJson.Default.CommitAnswer, ct);
    }

    /// <summary>A video that is there under this id already stays as it is.</summary>
    public Task CreateVideoAsync(Guid videoId, string title, int durationSeconds, CancellationToken ct) => CreateAsync(new(title, durationSeconds, videoId), ct);

    /// <summary>The same for an edge copy: a video that no list shows.</summary>
    public Task CreateEdgeCopyAsync(Guid copyId, string title, int durationSeconds, CancellationToken ct) => CreateAsync(new(title, durationSeconds, copyId, NewVideoBody.Edge), ct);

    /// <param name="status">uploading, active or deleted.</param>
    public async Task SetStatusAsync(Guid videoId, string status, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Patch, $"video/{videoId:D}/status", JsonContent.Create(new StatusBody(status), MetadataJson.Default.StatusBody), ct);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>The video's chunks go with it. One that is not there is deleted already.</summary>
    public async Task DeleteVideoAsync(Guid videoId, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Delete, $"video/{videoId:D}", null, ct);
        if (response.StatusCode != HttpStatusCode.NotFound)
        {
            response.EnsureSuccessStatusCode();
        }
    }

    /// <summary>Ids of videos whose deletion nobody has taken note of yet, the first deleted first. Not all of them where they are many.</summary>
    public async Task<IReadOnlyList<string>> DeletionsAsync(CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Get, "deletions", null, ct);
        response.EnsureSuccessStatusCode();
        return [.. ((await ReadAsync(response, MetadataJson.Default.DeletionsBody, ct)).VideoIds ?? []).OfType<string>()];
    }

    /// <summary>Takes note of a deletion, once and for all. Repeating it is safe.</summary>
    public async Task TakeDeletionAsync(string videoId, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Delete, $"deletions/{Uri.EscapeDataString(videoId)}", null, ct);
        response.EnsureSuccessStatusCode();
    }

    private async Task CreateAsync(NewVideoBody body, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Post, "video", JsonContent.Create(body, MetadataJson.Default.NewVideoBody), ct);
        response.EnsureSuccessStatusCode();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken ct)
    {
        using HttpRequestMessage request = new(method, new Uri(path, UriKind.Relative)) { Content = content };
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken ct)
    {
        await response.Content.LoadIntoBufferAsync(MostAnswerBytes, ct);
        try
        {
            return await response.Content.ReadFromJsonAsync(type, ct) ?? throw new HttpRequestException(HttpRequestError.InvalidResponse, "The metadata service answered null.");
        }
        catch (JsonException exception)
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "The metadata service's answer is not the documented JSON.", exception);
        }
    }
}
