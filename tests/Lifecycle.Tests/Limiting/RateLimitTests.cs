using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Lifecycle.Store.Limiting;
using Npgsql;
using Testing;
using Xunit;

namespace Lifecycle.Tests.Limiting;

/// <summary>Token buckets that two replicas share.</summary>
public sealed class RateLimitTests(Servers servers) : IAsyncLifetime
{
    private const string Path = "/api/v1/auth/me";

    /// <summary>A token comes back after 100 s: in a test's time none does.</summary>
    private static readonly (string, string)[] _slow = [("ratelimit:requestsPerSecond", "0.01"), ("ratelimit:burst", "20")];

    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_burst_of_100_over_two_replicas_admits_exactly_the_bucket()
    {
        await using var one = await ApiHost.StartAsync(_store, _slow);
        await using var two = await ApiHost.StartAsync(_store, _slow);
        using Readings first = new(one), second = new(two);
        var (_, token) = await one.RegisterAsync(Ct);
        var answers = await BurstAsync(100, one.Client(token), two.Client(token));
        Assert.Equal(20, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Equal(80, first.All["videoplatform.ratelimit.refused{default} {request}"] + second.All["videoplatform.ratelimit.refused{default} {request}"]);
        Assert.Equal(Enumerable.Range(0, 20).Select(left => $"\"default\";r={left}"), answers.Where(answer => answer.IsSuccessStatusCode).Select(answer => answer.Header("RateLimit")!.Split(";t=")[0]).Order(Numeric));
        foreach (var refused in answers.Where(answer => !answer.IsSuccessStatusCode))
        {
            await refused.ProblemAsync(429, "too-many-requests", Ct);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 100);
            Assert.Equal("\"default\";q=20;w=2000", refused.Header("RateLimit-Policy"));
            Assert.StartsWith("\"default\";r=0;t=", refused.Header("RateLimit"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_bucket_fills_at_its_rate_and_not_faster()
    {
        RateLimit limit = new("x", 50, 5);
        var buckets = _store.Get<RateBuckets>();
        var began = await NowAsync();
        var (admitted, asked) = (0, 0);
        await Poll.UntilAsync(
            async () =>
            {
                asked += 20;
                admitted += (await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => buckets.TakeAsync("k", limit, Ct)))).Count(decision => decision.Admitted);
                return admitted;
            }, sum => sum >= 60, TimeSpan.FromSeconds(30), "55 tokens that came back");
        var most = 5 + (await NowAsync() - began).TotalSeconds * 50;
        Assert.InRange(admitted, 60, Math.Min(asked, most));
    }

    [Fact]
    public async Task A_request_that_waits_as_long_as_it_is_told_is_admitted()
    {
        RateLimit limit = new("x", 4, 2);
        var buckets = _store.Get<RateBuckets>();
        RateDecision last;
        while ((last = await buckets.TakeAsync("k", limit, Ct)).Admitted)
        {
            Assert.InRange(last.Remaining, 0, 1);
        }

        Assert.Equal(1, last.RetryAfterSeconds);
        await _store.ScalarAsync<object>("update rate_buckets set full_at = full_at - make_interval(secs => $1) returning key", Ct, (double)last.RetryAfterSeconds);
        Assert.True((await buckets.TakeAsync("k", limit, Ct)).Admitted);
    }

    [Fact]
    public async Task Every_counted_answer_tells_the_policy_and_what_is_left_of_it()
    {
        await using var host = await ApiHost.StartAsync(_store, ("ratelimit:requestsPerSecond", "10"), ("ratelimit:burst", "20"));
        var (_, token) = await host.RegisterAsync(Ct);
        using var client = host.Client(token);
        (string Path, HttpStatusCode Status)[] routes = [(Path, HttpStatusCode.OK), ("/api/v1/videos/none", HttpStatusCode.NotFound), ("/api/v1/nothing", HttpStatusCode.NotFound), ("/api/v1/users", HttpStatusCode.Forbidden)];
        foreach (var (path, status) in routes)
        {
            using var answer = await client.GetAsync(path, Ct);
            Assert.Equal(status, answer.StatusCode);
            Assert.Equal("\"default\";q=20;w=2", answer.Header("RateLimit-Policy"));
            Assert.Matches("^\"default\";r=(1[6-9]);t=1$", answer.Header("RateLimit"));
        }

        using var refused = await host.Client(forwardedFor: "192.0.2.9").GetAsync(Path, Ct);
        Assert.Equal((HttpStatusCode.Unauthorized, "\"address\";r=19;t=1"), (refused.StatusCode, refused.Header("RateLimit")));
        foreach (var path in (string[])["/health", "/upload", "/video/x/status"])
        {
            using var free = await client.GetAsync(path, Ct);
            Assert.Null(free.Header("RateLimit"));
        }
    }

    [Fact]
    public async Task Without_an_account_the_client_s_address_counts_and_a_64_of_IPv6_is_one()
    {
        await using var host = await ApiHost.StartAsync(_store, ("ratelimit:requestsPerSecond", "0.01"), ("ratelimit:burst", "3"));
        var (_, token) = await host.RegisterAsync(Ct);
        Assert.Equal("401 401 401 429", await AskAsync([.. Enumerable.Repeat("192.0.2.1", 4)]));
        Assert.Equal("401 401 401 429", await AskAsync([.. Enumerable.Repeat("192.0.2.2", 4)]));
        Assert.Equal("401 401 401 429", await AskAsync("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::", "2001:db8:0:1::3"));
        Assert.Equal("401", await AskAsync("2001:db8:0:2::1"));
        Assert.Equal("429", await AskAsync("::ffff:192.0.2.1"));

        // The account's requests from an address that has no more are its own.
        using var known = await host.Client(token, "192.0.2.1").GetAsync(Path, Ct);
        Assert.Equal(HttpStatusCode.OK, known.StatusCode);

        async Task<string> AskAsync(params string[] addresses)
        {
            List<int> statuses = [];
            foreach (var address in addresses)
            {
                using var client = host.Client("no token", address);
                using var answer = await client.GetAsync(Path, Ct);
                statuses.Add((int)answer.StatusCode);
            }

            return string.Join(' ', statuses);
        }
    }

    [Fact]
    public async Task The_data_plane_is_not_counted_for_an_account_and_is_for_a_stranger()
    {
        await using var host = await ApiHost.StartAsync(_store, ("ratelimit:requestsPerSecond", "0.01"), ("ratelimit:burst", "3"));
        var (_, token) = await host.RegisterAsync(Ct);
        using var account = host.Client(token);
        for (var i = 0; i < 10; i++)
        {
            using var answer = await account.PostAsync("/api/v1/videos/upload", new StringContent("no form"), Ct);
            await answer.ProblemAsync(400, "no-video", Ct);
            Assert.Null(answer.Header("RateLimit"));
        }

        using var stranger = host.Client("no token", "192.0.2.7");
        List<int> statuses = [];
        for (var i = 0; i < 4; i++)
        {
            using var answer = await stranger.PostAsync("/api/v1/videos/upload", new StringContent("no form"), Ct);
            statuses.Add((int)answer.StatusCode);
        }

        Assert.Equal([401, 401, 401, 429], statuses);
    }

    [Fact]
    public async Task A_tier_has_its_own_bucket_size_and_name_from_the_next_request_on()
    {
        await using var host = await ApiHost.StartAsync(_store, [.. _slow, ("ratelimit:tiers:pro:requestsPerSecond", "0.5"), ("ratelimit:tiers:pro:burst", "40")]);
        var (id, token) = await host.RegisterAsync(Ct);
        var (_, admin) = await host.AdminAsync(Ct);
        using var change = await host.Client(admin).PatchAsJsonAsync($"/api/v1/users/{id}", new { tier = "pro" }, Ct);
        Assert.Equal(HttpStatusCode.OK, change.StatusCode);
        var answers = await BurstAsync(60, host.Client(token));
        Assert.InRange(answers.Count(answer => answer.IsSuccessStatusCode), 40, 50); // one comes back every 2 s
        Assert.All(answers, answer => Assert.Equal("\"pro\";q=40;w=80", answer.Header("RateLimit-Policy")));

        using var unknown = await host.Client(admin).PatchAsJsonAsync($"/api/v1/users/{id}", new { tier = "gold" }, Ct);
        await unknown.ProblemAsync(400, "invalid-field", Ct);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Passwords_of_a_name_cannot_be_tried_from_many_addresses_whether_it_has_an_account_or_not(bool exists)
    {
        (string, string)[] settings = [("ratelimit:loginsPerMinute", "0.01"), ("ratelimit:loginBurst", "10")];
        await using var one = await ApiHost.StartAsync(_store, settings);
        await using var two = await ApiHost.StartAsync(_store, settings);
        var email = $"{Guid.NewGuid():N}@example.com";
        if (exists)
        {
            using var registered = await one.Http.PostAsJsonAsync("/api/v1/auth/register", new { email, password = ApiHost.Password }, Ct);
            for (var i = 0; i < 15; i++)
            {
                Assert.NotEqual("", (await one.LoginAsync(email, Ct)).Token); // what succeeds takes nothing
            }
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            using var client = (i % 2 == 0 ? one : two).Client(forwardedFor: $"192.0.2.{i}");
            return await client.PostAsJsonAsync("/api/v1/auth/login", new { email = i % 3 == 0 ? email.ToUpperInvariant() : email, password = "wrong password" }, Ct);
        }));
        Assert.Equal(10, answers.Count(answer => answer.StatusCode == HttpStatusCode.Unauthorized));
        foreach (var refused in answers.Where(answer => answer.StatusCode != HttpStatusCode.Unauthorized))
        {
            await refused.ProblemAsync(429, "too-many-requests", Ct);
            Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
            Assert.Contains("\"login\";r=0", refused.Header("RateLimit"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task While_the_database_is_away_a_request_is_503()
    {
        NpgsqlConnectionStringBuilder database = new(_store.ConnectionStrings["ConnectionStrings:videodb"]);
        await using Relay relay = new(database.Host!, database.Port);
        database.Port = relay.Port;
        await using var host = await ApiHost.StartAsync(_store, ("ConnectionStrings:videodb", database.ConnectionString));
        var (_, token) = await host.RegisterAsync(Ct);
        await relay.CutAsync();
        using var client = host.Client(token);
        using var known = await client.GetAsync(Path, Ct);
        await known.ProblemAsync(503, "unavailable", Ct);
        using var unknown = await host.Http.PostAsJsonAsync("/api/v1/auth/login", new { email = "a@example.com", password = ApiHost.Password }, Ct);
        await unknown.ProblemAsync(503, "unavailable", Ct);
        Assert.True(unknown.Headers.RetryAfter!.Delta > TimeSpan.Zero);
    }

    [Fact]
    public async Task Full_buckets_are_removed_and_others_stay()
    {
        var buckets = _store.Get<RateBuckets>();
        await buckets.TakeAsync("full", new("x", 1000, 1), Ct);
        await buckets.TakeAsync("filling", new("x", 0.01, 1), Ct);
        await _store.ScalarAsync<object>("update rate_buckets set full_at = full_at - interval '2 minutes' where key = 'full' returning key", Ct);
        Assert.Equal(1, await buckets.ForgetFullAsync(Ct));
        Assert.Equal(["filling"], await _store.QueryAsync("select key from rate_buckets", row => row.GetString(0), Ct));
    }

    [Fact]
    public async Task Settings_that_cannot_be_meant_stop_the_start_and_say_which()
    {
        foreach (var (name, value) in ((string, string)[])[("ratelimit:burst", "0"), ("ratelimit:tiers:pro:requestsPerSecond", "0"), ("quota:resetHour", "24"), ("monitoring:thresholds:dlqCritical", "-1")])
        {
            var exception = await Assert.ThrowsAnyAsync<Exception>(() => ApiHost.StartAsync(_store, (name, value)));
            Assert.Contains(name.Split(':')[^1], exception.Message, StringComparison.OrdinalIgnoreCase);
        }
    }

    private static readonly Comparer<string> Numeric = Comparer<string>.Create((a, b) => Left(a).CompareTo(Left(b)));

    private static int Left(string header) => int.Parse(header.Split(";r=")[1], CultureInfo.InvariantCulture);

    private Task<DateTime> NowAsync() => _store.ScalarAsync<DateTime>("select clock_timestamp()", Ct);

    private static async Task<HttpResponseMessage[]> BurstAsync(int requests, params HttpClient[] clients) =>
        await Task.WhenAll(Enumerable.Range(0, requests).Select(i => clients[i % clients.Length].GetAsync(Path, Ct)));
}
