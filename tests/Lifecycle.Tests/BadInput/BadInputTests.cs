using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Routing;
using Testing;
using Xunit;

namespace Lifecycle.Tests.BadInput;

/// <summary>
/// Whatever is sent to a route: no 5xx, no trace of the inside in the answer, and an error is a problem of the table. A new route
/// is a new row of <see cref="Routes"/>; what its template names and really exists goes into <see cref="KnownAsync"/>.
/// </summary>
public sealed partial class BadInputTests(Servers servers) : IAsyncLifetime
{
    private const int RequestsPerRoute = 80;

    public static TheoryData<string, string> Routes => new()
    {
        { "POST", "/api/v1/auth/register" },
        { "POST", "/api/v1/auth/login" },
        { "GET", "/api/v1/auth/me" },
        { "PUT", "/api/v1/auth/password" },
        { "POST", "/api/v1/api-keys" },
        { "GET", "/api/v1/api-keys" },
        { "DELETE", "/api/v1/api-keys/{keyId}" },
        { "POST", "/api/v1/api-keys/default/rotate" },
        { "GET", "/api/v1/users" },
        { "GET", "/api/v1/users/{userId}" },
        { "PATCH", "/api/v1/users/{userId}" },
        { "POST", "/api/v1/videos/upload" },
        { "GET", "/api/v1/videos" },
        { "GET", "/api/v1/videos/{videoId}" },
        { "GET", "/api/v1/videos/{videoId}/conformance" },
        { "DELETE", "/api/v1/videos/{videoId}" },
        { "PUT", "/api/v1/videos/{videoId}/edge" },
        { "DELETE", "/api/v1/videos/{videoId}/edge" },
        { "POST", "/api/v1/videos/{videoId}/transcode" },
        { "GET", "/api/v1/jobs" },
        { "GET", "/api/v1/jobs/{jobId}" },
        { "DELETE", "/api/v1/jobs/{jobId}" },
        { "POST", "/api/v1/jobs/{jobId}/cancel" },
        { "POST", "/api/v1/jobs/{jobId}/pause" },
        { "POST", "/api/v1/jobs/{jobId}/resume" },
        { "GET", "/api/v1/jobs/{jobId}/output" },
        { "HEAD", "/api/v1/jobs/{jobId}/output" },
        { "GET", "/api/v1/jobs/{jobId}/output/{name}" },
        { "HEAD", "/api/v1/jobs/{jobId}/output/{name}" },
        { "GET", "/api/v1/dlq" },
        { "GET", "/api/v1/dlq/{entryId}" },
        { "POST", "/api/v1/dlq/{entryId}/retry" },
        { "DELETE", "/api/v1/dlq/{entryId}" },
        { "POST", "/api/v1/uploads/initiate" },
        { "GET", "/api/v1/uploads" },
        { "GET", "/api/v1/uploads/{uploadId}" },
        { "PUT", "/api/v1/uploads/{uploadId}/parts/{partNumber}" },
        { "POST", "/api/v1/uploads/{uploadId}/complete" },
        { "DELETE", "/api/v1/uploads/{uploadId}" },
        { "POST", "/api/v1/webhooks" },
        { "GET", "/api/v1/webhooks" },
        { "GET", "/api/v1/webhooks/{webhookId}" },
        { "PATCH", "/api/v1/webhooks/{webhookId}" },
        { "PUT", "/api/v1/webhooks/{webhookId}" },
        { "DELETE", "/api/v1/webhooks/{webhookId}" },
        { "POST", "/api/v1/webhooks/{webhookId}/test" },
        { "GET", "/api/v1/webhooks/{webhookId}/deliveries" },
        { "GET", "/api/v1/webhooks/{webhookId}/deliveries/{deliveryId}" },
        { "POST", "/api/v1/webhooks/{webhookId}/deliveries/{deliveryId}/replay" },
        { "OPTIONS", "/files" },
        { "POST", "/files" },
        { "HEAD", "/files/{fileId}" },
        { "PATCH", "/files/{fileId}" },
        { "DELETE", "/files/{fileId}" },
        { "GET", "/api/v1/metrics" },
        { "GET", "/api/v1/workers/health" },
        { "GET", "/api/v1/system/health" },
        { "GET", "/api/v1/queue/stats" },
        { "GET", "/api/v1/openapi.json" },
        { "POST", "/upload" },
        { "POST", "/upload/{videoId}" },
        { "GET", "/upload/status/{sessionId}" },
        { "GET", "/upload/health" },
        { "GET", "/video/{videoId}/status" },
        { "HEAD", "/video/{videoId}/status" },
        { "GET", "/video/{videoId}/status/stream" },
        { "GET", "/health" },
        { "HEAD", "/health" },
    };

    private TestStore _store = null!;
    private ApiHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _host = await ApiHost.StartAsync(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Whatever_is_sent_is_answered_without_a_5xx_and_without_a_trace(string method, string template)
    {
        var (_, token) = await _host.AdminAsync(Ct);
        var known = await KnownAsync(token);
        using SocketsHttpHandler handler = new() { RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1, Expect100ContinueTimeout = TimeSpan.FromMilliseconds(50), AllowAutoRedirect = false };
        using HttpClient http = new(handler) { BaseAddress = _host.Http.BaseAddress, Timeout = TimeSpan.FromSeconds(60) };
        Action<BadRequest> holds = request => Check(http, token, request);
        FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(RequestsPerRoute).WithQuietOnSuccess(true), Prop.ForAll(BadRequest.Of(method, template, known), holds));
    }

    [Fact]
    public void Every_route_of_the_service_has_its_row()
    {
        var served = _host.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(method => $"{method} /{endpoint.RoutePattern.RawText!.Trim('/')}")).ToList();
        var rows = Routes.Select(row => $"{row.Data.Item1} {row.Data.Item2}").ToList();
        Assert.Empty(served.Except(rows, StringComparer.Ordinal));
        Assert.All(rows.Except(served, StringComparer.Ordinal), row => Assert.Contains(" /files", row, StringComparison.Ordinal)); // tus tells its methods apart itself
    }

    private static void Check(HttpClient http, string token, BadRequest bad)
    {
        using HttpRequestMessage request = new(new(bad.Method), bad.Path);
        if (bad.Body is { } body)
        {
            request.Content = new ByteArrayContent(Encoding.Latin1.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", bad.ContentType);
        }

        foreach (var (name, value) in bad.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (!request.Headers.Contains("Authorization") && !request.Headers.Contains("X-API-Key"))
        {
            request.Headers.Authorization = Answers.Bearer(token);
        }

        using var answer = http.Send(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.True((int)answer.StatusCode < 500 || bad.Path.StartsWith("/health", StringComparison.Ordinal), $"{(int)answer.StatusCode} to {bad}");
        if ((int)answer.StatusCode < 400 || answer.Content.Headers.ContentLength == 0)
        {
            return;
        }

        using StreamReader reader = new(answer.Content.ReadAsStream(Ct));
        var text = reader.ReadToEnd();
        Assert.False(Trace().IsMatch(text), $"{text} to {bad}");
        if (text.Length > 0 && answer.StatusCode != HttpStatusCode.ServiceUnavailable)
        {
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            using var problem = JsonDocument.Parse(text);
            Assert.StartsWith("urn:videoplatform:problem:", problem.RootElement.GetProperty("type").GetString(), StringComparison.Ordinal);
            Assert.Equal((int)answer.StatusCode, problem.RootElement.GetProperty("status").GetInt32());
        }
    }

    /// <summary>Ids of things that exist, by their names in templates; all may be changed or deleted by what is sent.</summary>
    private async Task<Dictionary<string, string>> KnownAsync(string token)
    {
        using var client = _host.Client(token);
        using MultipartFormDataContent form = new() { { new ByteArrayContent("no video"u8.ToArray()), "video", "a.mp4" } };
        using var video = await client.PostAsync("/api/v1/videos/upload", form, Ct);
        var videoId = (await video.JsonAsync(Ct)).GetProperty("id").GetString()!;
        var webhook = await MakeAsync(client, "/api/v1/webhooks", """{"url":"https://a.example","events":{"job_started":true}}""");
        return new(StringComparer.Ordinal)
        {
            ["videoId"] = videoId,
            ["keyId"] = await MakeAsync(client, "/api/v1/api-keys", """{"name":"a key"}"""),
            ["userId"] = $"{(await _host.RegisterAsync(Ct)).Id}",
            ["jobId"] = await MakeAsync(client, $"/api/v1/videos/{videoId}/transcode", "{}"),
            ["uploadId"] = await MakeAsync(client, "/api/v1/uploads/initiate", """{"filename":"a.mp4","total_size":10}"""),
            ["partNumber"] = "1",
            ["fileId"] = await FileAsync(client),
            ["webhookId"] = webhook,
            ["deliveryId"] = await MakeAsync(client, $"/api/v1/webhooks/{webhook}/test", "{}"),
        };
    }

    private static async Task<string> MakeAsync(HttpClient client, string path, string json)
    {
        using StringContent body = new(json, MediaTypeHeaderValue.Parse("application/json"));
        using var answer = await client.PostAsync(path, body, Ct);
        return (await answer.JsonAsync(Ct)).GetProperty("id").GetString()!;
    }

    private static async Task<string> FileAsync(HttpClient client)
    {
        using HttpRequestMessage creation = new(HttpMethod.Post, "/files") { Headers = { { "Tus-Resumable", "1.0.0" }, { "Upload-Length", "10" } } };
        using var answer = await client.SendAsync(creation, Ct);
        return answer.Headers.Location!.OriginalString.Split('/')[^1];
    }

    /// <summary>Words of the inside: .NET's, the drivers', a stack frame's.</summary>
    [GeneratedRegex(@"Exception|System\.|Microsoft\.|Npgsql|Amazon\.|RabbitMQ|\.cs:line|\n\s+at \w|SQLSTATE|\b[0-9]{2}[0-9A-Z]{3}: ", RegexOptions.None, 1000)]
    private static partial Regex Trace();
}
