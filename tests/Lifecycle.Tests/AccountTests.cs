using System.Net;
using System.Net.Http.Json;
using Lifecycle.Store.Accounts;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Accounts as an admin and as themselves see them.</summary>
public sealed class AccountTests(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Only_an_admin_sees_and_changes_accounts()
    {
        await using var host = await ApiHost.StartAsync(_store);
        var (id, token) = await host.RegisterAsync(Ct);
        using var user = host.Client(token);
        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Get, "/api/v1/users"), (HttpMethod.Get, $"/api/v1/users/{id}"), (HttpMethod.Patch, $"/api/v1/users/{id}")])
        {
            using HttpRequestMessage request = new(method, path) { Content = method == HttpMethod.Patch ? JsonContent.Create(new { role = "admin" }) : null };
            using var refused = await user.SendAsync(request, Ct);
            await refused.ProblemAsync(403, "forbidden", Ct);
            using var stranger = await host.Http.GetAsync("/api/v1/users", Ct);
            await stranger.ProblemAsync(401, "unauthorized", Ct);
        }

        using var me = await user.GetAsync("/api/v1/auth/me", Ct);
        var own = await me.JsonAsync(Ct);
        Assert.Equal((id, "user", "default", 100, 0), (own.GetProperty("id").GetGuid(), own.GetProperty("role").GetString(), own.GetProperty("tier").GetString(), own.GetProperty("quota").GetInt32(), own.GetProperty("used_quota").GetInt32()));
        Assert.False(own.TryGetProperty("daily_quota", out _));

        using var admin = host.Client((await host.AdminAsync(Ct)).Token);
        using var seen = await admin.GetAsync($"/api/v1/users/{id}", Ct);
        Assert.Equal(own.ToString(), (await seen.JsonAsync(Ct)).ToString());
        using var promoted = await admin.PatchAsJsonAsync($"/api/v1/users/{id}", new { role = "admin", daily_quota = 7 }, Ct);
        var changed = await promoted.JsonAsync(Ct);
        Assert.Equal(("admin", 7, 7), (changed.GetProperty("role").GetString(), changed.GetProperty("daily_quota").GetInt32(), changed.GetProperty("quota").GetInt32()));
        using var now = await user.GetAsync("/api/v1/users", Ct);
        Assert.Equal(HttpStatusCode.OK, now.StatusCode); // from the next request on, with the old token
        using var missing = await admin.PatchAsJsonAsync($"/api/v1/users/{Guid.NewGuid()}", new { role = "user" }, Ct);
        await missing.ProblemAsync(404, "unknown-user", Ct);
        foreach (var body in (object[])[new { role = "root" }, new { tier = "gold" }, new { daily_quota = -1 }, new { daily_quota = "7" }, new { daily_quota = 1.5 }])
        {
            using var refused = await admin.PatchAsJsonAsync($"/api/v1/users/{id}", body, Ct);
            await refused.ProblemAsync(400, "invalid-field", Ct);
        }
    }

    [Fact]
    public async Task Pages_hold_every_account_once_newest_first()
    {
        await using var host = await ApiHost.StartAsync(_store);
        using var admin = host.Client((await host.AdminAsync(Ct)).Token);
        List<Guid> made = [];
        for (var i = 0; i < 5; i++)
        {
            made.Insert(0, (await host.RegisterAsync(Ct)).Id);
        }

        List<Guid> seen = [];
        string? next = null;
        do
        {
            using var answer = await admin.GetAsync($"/api/v1/users?limit=2{(next is null ? "" : $"&after={next}")}", Ct);
            var page = await answer.JsonAsync(Ct);
            seen.AddRange(page.GetProperty("users").EnumerateArray().Select(user => user.GetProperty("id").GetGuid()));
            next = page.TryGetProperty("next", out var more) ? more.GetString() : null;
        }
        while (next is not null);
        Assert.Equal(6, seen.Count);
        Assert.Equal(made, seen[..5]);
    }

    [Fact]
    public async Task There_is_always_an_admin_left()
    {
        await using var host = await ApiHost.StartAsync(_store);
        var (first, firstToken) = await host.AdminAsync(Ct);
        using var admin = host.Client(firstToken);
        using var own = await admin.PatchAsJsonAsync($"/api/v1/users/{first}", new { role = "user" }, Ct);
        await own.ProblemAsync(403, "forbidden", Ct);

        // Each takes the other's role at the same time.
        var users = host.Get<UserStore>();
        for (var round = 0; round < 20; round++)
        {
            var (second, _) = await host.RegisterAsync(Ct);
            await users.ChangeAsync(first, second, new(Role.Admin, null, false, null), Ct);
            UserChange demote = new(Role.User, null, false, null);
            var outcomes = await Task.WhenAll(users.ChangeAsync(first, second, demote, Ct), users.ChangeAsync(second, first, demote, Ct));
            Assert.Equal([UserChangeOutcome.Changed, UserChangeOutcome.NotAllowed], outcomes.Order());
            Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from users where role = 'admin'", Ct));
            await _store.QueryAsync("update users set role = case when id = $1 then 'admin' else 'user' end returning 1", _ => 0, Ct, first);
        }
    }

    [Fact]
    public async Task A_password_is_changed_by_who_knows_the_old_one()
    {
        await using var host = await ApiHost.StartAsync(_store, ("ratelimit:loginBurst", "3"), ("ratelimit:loginsPerMinute", "0.01"));
        var (_, token) = await host.RegisterAsync(Ct);
        using var client = host.Client(token);
        Assert.Equal(400, await ChangeAsync(ApiHost.Password, "short"));
        Assert.Equal(401, await ChangeAsync("not the password", "another password"));
        Assert.Equal(204, await ChangeAsync(ApiHost.Password, "another password"));
        Assert.Equal(401, await ChangeAsync(ApiHost.Password, "a third password"));
        Assert.Equal(401, await ChangeAsync(ApiHost.Password, "a third password"));
        Assert.Equal(429, await ChangeAsync("another password", "a third password")); // tries count with those of the login

        async Task<int> ChangeAsync(string from, string to)
        {
            using var answer = await client.PutAsJsonAsync("/api/v1/auth/password", new { old_password = from, new_password = to }, Ct);
            return (int)answer.StatusCode;
        }
    }

    [Fact]
    public async Task An_account_makes_50_keys_and_not_one_more_however_many_it_asks_for_at_once()
    {
        await using var host = await ApiHost.StartAsync(_store);
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        var answers = await Task.WhenAll(Enumerable.Range(0, 80).Select(i => client.PostAsJsonAsync("/api/v1/api-keys", new { name = $"key {i}" }, Ct)));
        Assert.Equal((50, 30), (answers.Count(answer => answer.StatusCode == HttpStatusCode.Created), answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict)));
    }
}
