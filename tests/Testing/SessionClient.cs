using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Lifecycle.Contracts;
using Xunit;

namespace Testing;

/// <summary>An account's requests to one host, for resumable uploads.</summary>
public sealed class SessionClient : IDisposable
{
    public SessionClient(Uri host, string apiKey, Guid userId)
    {
        (ApiKey, UserId) = (apiKey, userId);
        Http = new() { BaseAddress = host, Timeout = TimeSpan.FromSeconds(60) };
        Http.DefaultRequestHeaders.Add("X-API-Key", apiKey);
    }

    public string ApiKey { get; }

    public Guid UserId { get; }

    public HttpClient Http { get; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Of the same account, at another host.</summary>
    public SessionClient At(Uri host) => new(host, ApiKey, UserId);

    public static byte[] Random(int bytes)
    {
        var content = new byte[bytes];
        System.Security.Cryptography.RandomNumberGenerator.Fill(content);
        return content;
    }

    public Task<HttpResponseMessage> InitiateAsync(object body, string? key = null)
    {
        HttpRequestMessage request = new(HttpMethod.Post, "/api/v1/uploads/initiate") { Content = JsonContent.Create(body) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return Http.SendAsync(request, Ct);
    }

    /// <summary>A session for so many bytes.</summary>
    public async Task<Guid> OpenAsync(long bytes)
    {
        using var answer = await InitiateAsync(new { filename = "a.mp4", total_size = bytes });
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await JsonAsync(answer)).GetProperty("id").GetGuid();
    }

    public async Task<HttpResponseMessage> PutAsync(Guid id, string number, byte[] bytes, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(HttpMethod.Put, $"/api/v1/uploads/{id}/parts/{number}") { Content = new ByteArrayContent(bytes) };
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return await Http.SendAsync(request, Ct);
    }

    /// <summary>Puts a part of a file that is cut into parts of 5 MiB.</summary>
    public async Task PartAsync(Guid id, int number, byte[] file)
    {
        using var answer = await PutAsync(id, $"{number}", PartOf(file, number));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    public static byte[] PartOf(byte[] file, int number) => file[((number - 1) * Limits.S3MinimumPartBytes)..Math.Min(file.Length, number * Limits.S3MinimumPartBytes)];

    public Task<HttpResponseMessage> CompleteAsync(Guid id) => Http.PostAsync($"/api/v1/uploads/{id}/complete", null, Ct);

    public Task<HttpResponseMessage> GetAsync(Guid id) => Http.GetAsync($"/api/v1/uploads/{id}", Ct);

    public Task<HttpResponseMessage> AbortAsync(Guid id) => Http.DeleteAsync($"/api/v1/uploads/{id}", Ct);

    /// <summary>A tus request; headers of the body go to the body.</summary>
    public async Task<HttpResponseMessage> TusAsync(string method, string path, HttpContent? body, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(new(method), path) { Content = body };
        request.Headers.Add("Tus-Resumable", "1.0.0");
        foreach (var (name, value) in headers)
        {
            request.Headers.Remove(name);
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        return await Http.SendAsync(request, Ct);
    }

    /// <summary>Creates an upload: its address.</summary>
    public async Task<string> CreateAsync(long bytes, params (string Name, string Value)[] headers)
    {
        using var answer = await TusAsync("POST", "/files", null, [("Upload-Length", $"{bytes}"), .. headers]);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return answer.Headers.Location!.OriginalString;
    }

    public Task<HttpResponseMessage> PatchAsync(string path, long offset, byte[] bytes, params (string Name, string Value)[] headers) => PatchAsync(path, offset, new ByteArrayContent(bytes), headers);

    public Task<HttpResponseMessage> PatchAsync(string path, long offset, HttpContent body, params (string Name, string Value)[] headers)
    {
        body.Headers.ContentType = new("application/offset+octet-stream");
        return TusAsync("PATCH", path, body, [("Upload-Offset", $"{offset}"), .. headers]);
    }

    /// <summary>The offset that HEAD tells.</summary>
    public async Task<long> OffsetAsync(string path)
    {
        using var answer = await TusAsync("HEAD", path, null);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return long.Parse(Header(answer, "Upload-Offset")!);
    }

    public static string? Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage answer)
    {
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Ct));
        return body.RootElement.Clone();
    }

    /// <summary>An answer of the problem table.</summary>
    public static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer, int status, string code)
    {
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True((int)answer.StatusCode == status, $"{(int)answer.StatusCode}, not {status}: {text}");
        using var body = JsonDocument.Parse(text);
        Assert.Equal($"urn:videoplatform:problem:{code}", body.RootElement.GetProperty("type").GetString());
        return body.RootElement.Clone();
    }

    public void Dispose() => Http.Dispose();
}
