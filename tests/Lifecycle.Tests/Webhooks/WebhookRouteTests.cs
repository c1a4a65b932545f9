using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Webhooks;
using Testing;
using Xunit;

namespace Lifecycle.Tests.Webhooks;

/// <summary>Webhooks as resources: fields, bounds, ownership, and the secret that is shown once.</summary>
public sealed class WebhookRouteTests(Servers servers) : IAsyncLifetime
{
    private const string Path = "/api/v1/webhooks";

    private TestStore _store = null!;
    private WebhookHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _host = await WebhookHost.StartAsync(_store, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task The_seed_s_creation_gives_the_seed_s_answer_and_the_list_shows_it_without_the_secret()
    {
        var account = await _host.RegisterAsync(Ct);
        var created = await account.SendAsync(HttpMethod.Post, Path, JsonElement.Parse(
            """
            {"url": "https://your-app.com/webhooks",
             "events": {"job_started": true, "job_completed": true, "job_failed": true, "job_progress": false, "video_uploaded": true},
             "secret": "your-webhook-secret"}
            """), 201, Ct);
        Assert.Equal("https://your-app.com/webhooks", created.GetProperty("url").GetString());
        Assert.True(created.GetProperty("is_active").GetBoolean());
        Assert.Equal(["job_started", "job_completed", "job_failed", "video_uploaded"], created.GetProperty("events").EnumerateObject().Where(each => each.Value.GetBoolean()).Select(each => each.Name));
        var listed = (await account.GetAsync(Path, Ct)).GetProperty("webhooks").EnumerateArray().Single();
        Assert.Equal(created.GetRawText(), listed.GetRawText());
        Assert.True(listed.GetProperty("created_at").GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
        Assert.DoesNotContain("your-webhook-secret", listed.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_that_the_platform_makes_is_shown_once_and_lies_encrypted()
    {
        var account = await _host.RegisterAsync(Ct);
        var created = await account.SendAsync(HttpMethod.Post, Path, new { url = "https://a.example", events = new { job_failed = true } }, 201, Ct);
        var secret = created.GetProperty("secret").GetString()!;
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        Assert.Equal(32, Convert.FromBase64String(secret["whsec_".Length..]).Length);

        var one = $"{Path}/{created.GetProperty("id").GetGuid()}";
        string[] answers =
        [
            (await account.GetAsync(Path, Ct)).GetRawText(), (await account.GetAsync(one, Ct)).GetRawText(),
            (await account.SendAsync(HttpMethod.Patch, one, new { is_active = false }, 200, Ct)).GetRawText(),
            (await account.SendAsync(HttpMethod.Patch, one, new { secret = "another one" }, 200, Ct)).GetRawText(),
        ];
        Assert.All(answers, answer => Assert.DoesNotContain("secret", answer, StringComparison.Ordinal));
        Assert.Equal(4, answers.Length);

        var stored = await _store.ScalarAsync<byte[]>("select secret from webhooks", Ct);
        Assert.DoesNotContain("another one", Encoding.UTF8.GetString(stored), StringComparison.Ordinal);
    }

    public static TheoryData<string> BadBodies { get; } =
    [
        """{}""", """{"url": "https://a.example"}""", """{"events": {}}""",
        """{"url": "", "events": {}}""", """{"url": "/relative", "events": {}}""", """{"url": "ftp://a.example", "events": {}}""", """{"url": "https://", "events": {}}""",
        """{"url": "https://user:password@a.example", "events": {}}""", """{"url": "https://user@a.example", "events": {}}""", """{"url": "javascript:alert(1)", "events": {}}""",
        """{"url": "https://a.example/\u0000", "events": {}}""", $$$"""{"url": "https://a.example/{{{new string('a', 2048)}}}", "events": {}}""",
        """{"url": "https://a.example", "events": {}, "secret": ""}""", $$$"""{"url": "https://a.example", "events": {}, "secret": "{{{new string('a', 257)}}}"}""",
    ];

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task A_bad_field_is_400_in_POST_and_PUT(string body)
    {
        var account = await _host.RegisterAsync(Ct);
        var id = await account.HookAsync("https://a.example", Ct);
        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Post, Path), (HttpMethod.Put, $"{Path}/{id}")])
        {
            var problem = await account.SendAsync(method, path, JsonElement.Parse(body), 400, Ct);
            Assert.Equal(Problems.InvalidField.Type, problem.GetProperty("type").GetString());
        }
    }

    [Theory]
    [InlineData("""{"url": "https://a.example", "events": {"job_started": "yes"}}""")]
    [InlineData("""{"url": "https://a.example", "events": ["job_started"]}""")]
    [InlineData("""{"url": 1, "events": {}}""")]
    [InlineData("""{"url": "https://a.example/\ud800", "events": {}}""")]
    [InlineData("""[]""")]
    [InlineData("""{""")]
    [InlineData("")]
    public async Task A_body_of_another_shape_is_400(string body)
    {
        var account = await _host.RegisterAsync(Ct);
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using var answer = await account.Http.PostAsync(Path, content, Ct);
        Assert.Equal(400, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task An_unknown_event_is_400_and_the_known_ones_are_named()
    {
        var account = await _host.RegisterAsync(Ct);
        var problem = await account.SendAsync(HttpMethod.Post, Path, new { url = "https://a.example", events = new Dictionary<string, bool> { ["job.started"] = true } }, 400, Ct);
        Assert.All(WebhookEvents.Keys, key => Assert.Contains(key, problem.GetProperty("detail").GetString(), StringComparison.Ordinal));
        var id = await account.HookAsync("https://a.example", Ct);
        await account.SendAsync(HttpMethod.Patch, $"{Path}/{id}", new { events = new { nothing = false } }, 400, Ct);
    }

    [Fact]
    public async Task PATCH_changes_what_it_names_and_PUT_all()
    {
        var account = await _host.RegisterAsync(Ct);
        var id = await account.HookAsync("https://a.example", Ct, "job_started", "job_failed");
        var patched = await account.SendAsync(HttpMethod.Patch, $"{Path}/{id}", new { events = new { job_started = false, video_ready = true } }, 200, Ct);
        Assert.Equal(["job_failed", "video_ready"], Wanted(patched));
        Assert.Equal("https://a.example", patched.GetProperty("url").GetString());

        var replaced = await account.SendAsync(HttpMethod.Put, $"{Path}/{id}", new { url = "https://b.example", events = new { quota_exceeded = true }, is_active = false }, 200, Ct);
        Assert.Equal(["quota_exceeded"], Wanted(replaced));
        Assert.Equal(("https://b.example", false), (replaced.GetProperty("url").GetString(), replaced.GetProperty("is_active").GetBoolean()));

        await account.SendAsync(HttpMethod.Delete, $"{Path}/{id}", null, 204, Ct);
        await account.SendAsync(HttpMethod.Delete, $"{Path}/{id}", null, 404, Ct);
        Assert.Empty((await account.GetAsync(Path, Ct)).GetProperty("webhooks").EnumerateArray());

        static IEnumerable<string> Wanted(JsonElement webhook) => webhook.GetProperty("events").EnumerateObject().Where(each => each.Value.GetBoolean()).Select(each => each.Name);
    }

    [Fact]
    public async Task Of_sixty_creations_at_once_exactly_fifty_are_taken()
    {
        var account = await _host.RegisterAsync(Ct);
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
        {
            using var answer = await account.Http.PostAsJsonAsync(Path, new { url = $"https://a.example/{i}", events = new { } }, Ct);
            return (Status: (int)answer.StatusCode, Body: await answer.Content.ReadAsStringAsync(Ct));
        }));
        Assert.Equal(WebhookStore.MostPerUser, answers.Count(answer => answer.Status == 201));
        Assert.All(answers.Where(answer => answer.Status != 201), answer => Assert.Contains(Problems.TooManyWebhooks.Type, answer.Body, StringComparison.Ordinal));
        Assert.Equal(WebhookStore.MostPerUser, await _store.ScalarAsync<long>("select count(*) from webhooks where owner_id = $1", Ct, account.Id));
    }

    [Fact]
    public async Task Another_account_s_webhook_does_not_exist_and_an_admin_sees_it()
    {
        var (owner, stranger, admin) = (await _host.RegisterAsync(Ct), await _host.RegisterAsync(Ct), await _host.AdminAsync(Ct));
        var id = await owner.HookAsync("https://a.example", Ct);
        object body = new { url = "https://b.example", events = new { } };
        (HttpMethod, string, object?)[] requests =
        [
            (HttpMethod.Get, "", null), (HttpMethod.Patch, "", new { is_active = false }), (HttpMethod.Put, "", body), (HttpMethod.Delete, "", null), (HttpMethod.Post, "/test", null),
            (HttpMethod.Get, "/deliveries", null), (HttpMethod.Get, $"/deliveries/{Guid.NewGuid()}", null), (HttpMethod.Post, $"/deliveries/{Guid.NewGuid()}/replay", null),
        ];
        foreach (var (method, path, content) in requests)
        {
            var problem = await stranger.SendAsync(method, $"{Path}/{id}{path}", content, 404, Ct);
            Assert.Equal(Problems.UnknownWebhook.Type, problem.GetProperty("type").GetString());
            using HttpRequestMessage anonymous = new(method, $"{Path}/{id}{path}") { Content = content is null ? null : JsonContent.Create(content) };
            using var refused = await _host.Http.SendAsync(anonymous, Ct);
            Assert.Equal(401, (int)refused.StatusCode);
        }

        Assert.Empty((await stranger.GetAsync(Path, Ct)).GetProperty("webhooks").EnumerateArray());
        await stranger.SendAsync(HttpMethod.Get, $"{Path}?owner={owner.Id}", null, 404, Ct);
        Assert.Equal(id, (await admin.GetAsync($"{Path}?owner={owner.Id}", Ct)).GetProperty("webhooks").EnumerateArray().Single().GetProperty("id").GetGuid());
        Assert.Equal("https://a.example", (await admin.GetAsync($"{Path}/{id}", Ct)).GetProperty("url").GetString());
        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Get, $"{Guid.NewGuid()}"), (HttpMethod.Get, "nobody"), (HttpMethod.Get, $"{id:N}")])
        {
            await owner.SendAsync(method, $"{Path}/{path}", null, 404, Ct);
        }

        var unknown = await owner.SendAsync(HttpMethod.Get, $"{Path}/{id}/deliveries/{Guid.NewGuid()}", null, 404, Ct);
        Assert.Equal(Problems.UnknownDelivery.Type, unknown.GetProperty("type").GetString());
    }

    [Fact]
    public async Task Deliveries_come_in_pages_newest_first_and_by_status()
    {
        var account = await _host.RegisterAsync(Ct);
        await using var receiver = await WebhookReceiver.StartAsync(Ct);
        var id = await account.HookAsync(receiver.Url(), Ct);
        List<Guid> sent = [];
        for (var i = 0; i < 5; i++)
        {
            var ping = await account.SendAsync(HttpMethod.Post, $"{Path}/{id}/test", null, 202, Ct);
            Assert.Equal((WebhookEvents.Test, "pending"), (ping.GetProperty("event").GetString(), ping.GetProperty("status").GetString()));
            sent.Insert(0, ping.GetProperty("id").GetGuid());
        }

        List<Guid> seen = [];
        for (string? next = ""; next is not null;)
        {
            var page = await account.GetAsync($"{Path}/{id}/deliveries?limit=2{next}", Ct);
            seen.AddRange(page.GetProperty("deliveries").EnumerateArray().Select(each => each.GetProperty("id").GetGuid()));
            next = page.TryGetProperty("next", out var after) ? $"&after={after.GetString()}" : null;
        }

        Assert.Equal(sent, seen);
        await Poll.UntilAsync(async () => (await account.GetAsync($"{Path}/{id}/deliveries?status=delivered", Ct)).GetProperty("deliveries").GetArrayLength() == 5, TimeSpan.FromSeconds(20), "five delivered");
        Assert.Equal(0, (await account.GetAsync($"{Path}/{id}/deliveries?status=pending", Ct)).GetProperty("deliveries").GetArrayLength());
        foreach (var query in (string[])["limit=0", "limit=101", "after=x", "status=lost"])
        {
            await account.SendAsync(HttpMethod.Get, $"{Path}/{id}/deliveries?{query}", null, 400, Ct);
        }
    }
}
