using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Seed 004's accounts, keys and owned videos, through the gateway and at both replicas.</summary>
public sealed class Accounts(Platform platform)
{
    private const string Password = "correct horse battery staple";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_account_is_registered_once_and_logs_in()
    {
        var email = NewEmail();
        using var registered = await PostAsync("/api/v1/auth/register", new { email, password = Password });
        Assert.Equal(HttpStatusCode.Created, registered.StatusCode);
        var account = await registered.JsonAsync(Ct);
        Assert.Equal(email, account.GetProperty("email").GetString());

        using var twice = await PostAsync("/api/v1/auth/register", new { email = email.ToUpperInvariant(), password = Password });
        await twice.ProblemAsync(409, "email-taken", Ct);

        using var answer = await PostAsync("/api/v1/auth/login", new { email, password = Password });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var login = await answer.JsonAsync(Ct);
        Assert.Equal(account.GetProperty("id").GetGuid(), login.GetProperty("user_id").GetGuid());
        Assert.Equal(account.GetProperty("api_key").GetString(), login.GetProperty("api_key").GetString());
        Assert.Equal(3, login.GetProperty("token").GetString()!.Split('.').Length);
    }

    [Fact]
    public async Task Wrong_logins_are_alike_and_bad_fields_are_named()
    {
        var email = NewEmail();
        using var registered = await PostAsync("/api/v1/auth/register", new { email, password = Password });
        foreach (var (address, password) in ((string, string)[])[(email, "not the password"), (NewEmail(), Password)])
        {
            using var refused = await PostAsync("/api/v1/auth/login", new { email = address, password });
            await refused.ProblemAsync(401, "wrong-login", Ct);
        }

        foreach (var body in (object[])[new { email, password = "short" }, new { email = "nobody", password = Password }, new { email = "A <a@example.com>", password = Password }, new { password = Password }, new { }])
        {
            using var refused = await PostAsync("/api/v1/auth/register", body);
            await refused.ProblemAsync(400, "invalid-field", Ct);
        }
    }

    [Theory]
    [InlineData("Authorization", "Bearer nothing")]
    [InlineData("Authorization", "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIwIn0.")]
    [InlineData("Authorization", "Basic YTpi")]
    [InlineData("X-API-Key", "vpk.0.1.x")]
    [InlineData("X-API-Key", "x")]
    [InlineData("X-Nothing", "x")]
    public async Task Without_a_valid_credential_it_is_401(string header, string value)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/api/v1/videos");
        request.Headers.TryAddWithoutValidation(header, value);
        using var refused = await platform.Http.SendAsync(request, Ct);
        await refused.ProblemAsync(401, "unauthorized", Ct);
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task An_upload_with_a_credential_that_does_not_hold_is_401_and_not_a_stranger_s()
    {
        using HttpRequestMessage upload = new(HttpMethod.Post, "/upload") { Content = Platform.Form(Library.Text), Headers = { { "X-API-Key", "x" } } };
        using var refused = await platform.Http.SendAsync(upload, Ct);
        await refused.ProblemAsync(401, "unauthorized", Ct);
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task Keys_work_on_every_replica_until_they_are_revoked()
    {
        var (_, token, first) = await NewAccountAsync();
        using var made = await SendAsync(HttpMethod.Post, "/api/v1/api-keys", token, new { name = "ci" });
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var key = await made.JsonAsync(Ct);
        var secret = key.GetProperty("key").GetString()!;
        foreach (var replica in (string[])["upload-api-1", "upload-api-2"])
        {
            foreach (var good in (string[])[first, secret])
            {
                Assert.Equal(HttpStatusCode.OK, await StatusAsync(replica, good));
            }
        }

        using var listed = await SendAsync(HttpMethod.Get, "/api/v1/api-keys", token);
        var only = (await listed.JsonAsync(Ct)).GetProperty("api_keys").EnumerateArray().Single();
        Assert.Equal("ci", only.GetProperty("name").GetString());
        Assert.False(only.TryGetProperty("key", out _));
        Assert.True(only.TryGetProperty("last_used_at", out _));

        var (_, other, _) = await NewAccountAsync();
        using var foreign = await SendAsync(HttpMethod.Delete, $"/api/v1/api-keys/{key.GetProperty("id").GetGuid()}", other);
        await foreign.ProblemAsync(404, "unknown-api-key", Ct);
        using var revoked = await SendAsync(HttpMethod.Delete, $"/api/v1/api-keys/{key.GetProperty("id").GetGuid()}", token);
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        using var rotated = await SendAsync(HttpMethod.Post, "/api/v1/api-keys/default/rotate", token);
        var next = (await rotated.JsonAsync(Ct)).GetProperty("api_key").GetString()!;
        foreach (var replica in (string[])["upload-api-1", "upload-api-2"])
        {
            Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.OK], [await StatusAsync(replica, secret), await StatusAsync(replica, first), await StatusAsync(replica, next)]);
        }
    }

    [Fact]
    public async Task A_video_exists_for_its_owner_and_the_admin_alone()
    {
        var (_, owner, key) = await NewAccountAsync();
        var (_, stranger, _) = await NewAccountAsync();
        List<Guid> videos = [];
        for (var i = 0; i < 3; i++)
        {
            using HttpRequestMessage upload = new(HttpMethod.Post, "/upload") { Content = Platform.Form(Library.Text), Headers = { { "X-API-Key", key } } };
            using var answer = await platform.Http.SendAsync(upload, Ct);
            videos.Insert(0, await Platform.VideoIdAsync(answer, Ct));
        }

        using var page = await SendAsync(HttpMethod.Get, "/api/v1/videos?limit=2", owner);
        var first = await page.JsonAsync(Ct);
        Assert.Equal(videos[..2], first.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("id").GetGuid()));
        using var rest = await SendAsync(HttpMethod.Get, $"/api/v1/videos?limit=2&after={first.GetProperty("next").GetString()}", owner);
        var last = await rest.JsonAsync(Ct);
        Assert.Equal(videos[2..], last.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("id").GetGuid()));
        Assert.False(last.TryGetProperty("next", out _));

        using var none = await SendAsync(HttpMethod.Get, "/api/v1/videos", stranger);
        Assert.Empty((await none.JsonAsync(Ct)).GetProperty("videos").EnumerateArray());
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Delete])
        {
            using var refused = await SendAsync(method, $"/api/v1/videos/{videos[0]}", stranger);
            await refused.ProblemAsync(404, "unknown-video", Ct);
        }

        using var seen = await platform.Admin.GetAsync($"/api/v1/videos/{videos[0]}", Ct);
        Assert.Equal(Library.Text.Length, (await seen.JsonAsync(Ct)).GetProperty("size").GetInt64());
        using var deleted = await SendAsync(HttpMethod.Delete, $"/api/v1/videos/{videos[0]}", owner);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await SendAsync(HttpMethod.Get, $"/api/v1/videos/{videos[0]}", owner);
        await gone.ProblemAsync(404, "unknown-video", Ct);
    }

    [Fact]
    public async Task A_ready_video_tells_what_it_is_and_how_it_was_checked()
    {
        var ready = await Library.ReadyAsync(platform, Ct);
        using var answer = await platform.Admin.GetAsync($"/api/v1/videos/{ready}", Ct);
        var video = await answer.JsonAsync(Ct);
        Assert.Equal(("ready", "h264", 640, 360), (video.GetProperty("status").GetString(), video.GetProperty("codec").GetString(), video.GetProperty("width").GetInt32(), video.GetProperty("height").GetInt32()));
        Assert.True(video.GetProperty("duration").GetDouble() > 1);
        Assert.True(video.GetProperty("bitrate").GetInt64() > 1000);
        using var report = await platform.Admin.GetAsync($"/api/v1/videos/{ready}/conformance", Ct);
        Assert.All((await report.JsonAsync(Ct)).GetProperty("checks").EnumerateArray(), check => Assert.True(check.GetProperty("passed").GetBoolean()));
    }

    [Fact]
    public async Task No_credential_stands_in_a_log()
    {
        var (_, token, key) = await NewAccountAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("upload-api-1", key));
        foreach (var log in Directory.EnumerateFiles(Path.Combine(platform.StateFolder, "logs")))
        {
            var text = await File.ReadAllTextAsync(log, Ct);
            Assert.All((string[])[Password, Platform.AdminPassword, token, key], secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        }
    }

    private static string NewEmail() => $"{Guid.NewGuid():N}@example.com";

    private async Task<(Guid Id, string Token, string ApiKey)> NewAccountAsync()
    {
        var email = NewEmail();
        using var registered = await PostAsync("/api/v1/auth/register", new { email, password = Password });
        using var login = await PostAsync("/api/v1/auth/login", new { email, password = Password });
        var body = await login.JsonAsync(Ct);
        return (body.GetProperty("user_id").GetGuid(), body.GetProperty("token").GetString()!, body.GetProperty("api_key").GetString()!);
    }

    private Task<HttpResponseMessage> PostAsync(string path, object body) => platform.Http.PostAsJsonAsync(path, body, Ct);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string token, object? body = null)
    {
        using HttpRequestMessage request = new(method, path) { Content = body is null ? null : JsonContent.Create(body), Headers = { Authorization = new("Bearer", token) } };
        return await platform.Http.SendAsync(request, Ct);
    }

    private async Task<HttpStatusCode> StatusAsync(string replica, string apiKey)
    {
        using var client = platform.Client(replica);
        using HttpRequestMessage request = new(HttpMethod.Get, "/api/v1/videos") { Headers = { { "X-API-Key", apiKey } } };
        using var answer = await client.SendAsync(request, Ct);
        return answer.StatusCode;
    }
}
