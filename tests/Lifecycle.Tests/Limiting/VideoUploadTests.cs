using System.Data.Common;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Testing;
using Xunit;

namespace Lifecycle.Tests.Limiting;

/// <summary><c>POST /api/v1/videos/upload</c>: the stream of POST /upload behind an account.</summary>
public sealed class VideoUploadTests(Servers servers) : IAsyncLifetime
{
    private const string Path = "/api/v1/videos/upload";

    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task The_answer_is_the_video_as_far_as_it_is_known()
    {
        await using var host = await ApiHost.StartAsync(_store);
        var (_, token) = await host.RegisterAsync(Ct);
        using var client = host.Client(token);
        using var answer = await client.PostAsync(Path, Form("video", "my film.mp4"), Ct);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var video = await answer.JsonAsync(Ct);
        Assert.Equal(("my film.mp4", 4, "pending"), (video.GetProperty("filename").GetString(), video.GetProperty("size").GetInt32(), video.GetProperty("status").GetString()));
        Assert.All((string[])["duration", "width", "height", "codec", "bitrate"], unknown => Assert.False(video.TryGetProperty(unknown, out _)));
        using var listed = await client.GetAsync($"/api/v1/videos/{video.GetProperty("id").GetGuid()}", Ct);
        Assert.Equal(HttpStatusCode.OK, listed.StatusCode);
    }

    [Fact]
    public async Task An_account_the_field_and_the_digest_are_asked_for()
    {
        await using var host = await ApiHost.StartAsync(_store);
        using var stranger = await host.Http.PostAsync(Path, Form("video"), Ct);
        await stranger.ProblemAsync(401, "unauthorized", Ct);
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        using var wrongField = await client.PostAsync(Path, Form("file"), Ct);
        await wrongField.ProblemAsync(400, "no-video", Ct);
        foreach (var (content, status) in ((string, int)[])[("film", 201), ("else", 400)])
        {
            using HttpRequestMessage request = new(HttpMethod.Post, Path) { Content = Form("video") };
            request.Content.Headers.TryAddWithoutValidation("Content-Digest", $"sha-256=:{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}:");
            using var answer = await client.SendAsync(request, Ct);
            Assert.Equal(status, (int)answer.StatusCode);
        }
    }

    /// <summary>Outside Development, where nothing says otherwise.</summary>
    [Fact]
    public async Task Where_uploads_are_not_open_a_file_without_an_account_is_401_and_one_of_an_account_s_is_taken()
    {
        await using var host = await ApiHost.StartAsync(_store, ("Access:OpenUpload", ""), ("environment", "Production"));
        using var stranger = await host.Http.PostAsync("/upload", Form("file"), Ct);
        await stranger.ProblemAsync(401, "unauthorized", Ct);
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        using var taken = await client.PostAsync("/upload", Form("file"), Ct);
        Assert.Equal(HttpStatusCode.Created, taken.StatusCode);
    }

    [Fact]
    public async Task A_key_of_this_route_is_not_one_of_the_other()
    {
        await using var host = await ApiHost.StartAsync(_store);
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        client.DefaultRequestHeaders.Add("Idempotency-Key", "the same");
        using var here = await client.PostAsync(Path, Form("video"), Ct);
        using var there = await client.PostAsync("/upload", Form("file"), Ct);
        Assert.Equal((201, 201), ((int)here.StatusCode, (int)there.StatusCode));
        Assert.NotEqual((await here.JsonAsync(Ct)).GetProperty("id").GetGuid(), (await there.JsonAsync(Ct)).GetProperty("videoId").GetGuid());
        using var other = await client.PostAsync(Path, Form("video", content: "another"), Ct);
        await other.ProblemAsync(422, "idempotency-reused", Ct);
    }

    [Fact]
    public async Task A_store_that_is_away_is_503_here_and_500_at_the_old_route()
    {
        DbConnectionStringBuilder storage = new() { ConnectionString = _store.ConnectionStrings["ConnectionStrings:storage"] };
        Uri endpoint = new((string)storage["Endpoint"]);
        await using Relay relay = new(endpoint.Host, endpoint.Port);
        storage["Endpoint"] = $"http://127.0.0.1:{relay.Port}";
        await using var host = await ApiHost.StartAsync(_store, ("ConnectionStrings:storage", storage.ConnectionString!));
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        await relay.CutAsync();
        using var here = await client.PostAsync(Path, Form("video"), Ct);
        await here.ProblemAsync(503, "unavailable", Ct);
        Assert.True(here.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        using var there = await client.PostAsync("/upload", Form("file"), Ct);
        await there.ProblemAsync(500, "storage-failure", Ct);
    }

    private static MultipartFormDataContent Form(string field, string name = "a.mp4", string content = "film") => new() { { new ByteArrayContent(Encoding.UTF8.GetBytes(content)), field, name } };
}
