using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Testing;
using Upload.Api;
using Upload.Api.Accounts;
using VideoPlatform.Accounts;
using Upload.Api.Limiting;
using Upload.Api.Webhooks;
using VideoPlatform.ServiceDefaults;
using Xunit;

namespace Lifecycle.Tests.Webhooks;

/// <summary>One replica of Upload.Api's accounts and webhooks on Kestrel, its dispatcher included. Sends to loopback and retries at once unless told otherwise.</summary>
internal sealed class WebhookHost : IAsyncDisposable
{
    public const string AdminEmail = "admin@example.com";

    public const string AdminPassword = "the admin's own password";

    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;

    private WebhookHost(WebApplication app) => (_app, Http) = (app, new() { BaseAddress = new(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(60) });

    /// <summary>Without an account.</summary>
    public HttpClient Http { get; }

    /// <summary>Every line that the host has logged, of every level.</summary>
    public IReadOnlyCollection<string> Logs => _app.Services.GetRequiredService<LogLines>().Lines;

    public static async Task<WebhookHost> StartAsync(TestStore store, CancellationToken ct, params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(store.ConnectionStrings);
        (string Name, string Value)[] usual =
        [
            ("Accounts:Secret", "a secret for tests, long enough for this"), ("Accounts:AdminEmail", AdminEmail), ("Accounts:AdminPassword", AdminPassword),
            ("ratelimit:requestsPerSecond", "10000"), ("ratelimit:burst", "10000"), ("webhooks:allowPrivateTargets", "true"), ("webhooks:retryDelaysSeconds:0", "0"),
        ];
        builder.Configuration.AddInMemoryCollection(usual.Select(Pair));
        builder.Configuration.AddInMemoryCollection(settings.Select(Pair));
        builder.AddServiceDefaults(Outages.IsOutage)
            .AddPostgres("videodb", Limits.DatabaseConnectionsPerProcess)
            .AddRabbitMQ("messaging")
            .AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));
        builder.Services.AddLifecycleStore().AddHostJson().AddAccounts().AddLimits().AddWebhooks();
        LogLines lines = new();
        builder.Services.AddSingleton(lines);
        builder.Logging.ClearProviders().AddProvider(lines).SetMinimumLevel(LogLevel.Trace);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseServiceDefaults();
        app.UseAuthentication().UseRateLimits().UseAuthorization();
        app.MapAccounts();
        app.MapWebhooks();
        await app.StartAsync(ct);
        return new(app);

        static KeyValuePair<string, string?> Pair((string Name, string Value) setting) => new(setting.Name, setting.Value);
    }

    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    public async Task<TestAccount> RegisterAsync(CancellationToken ct)
    {
        using var answer = await Http.PostAsJsonAsync("/api/v1/auth/register", new { email = $"{Guid.NewGuid():N}@example.com", password = "correct horse" }, ct);
        Assert.Equal(201, (int)answer.StatusCode);
        var account = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
        HttpClient client = new() { BaseAddress = Http.BaseAddress };
        client.DefaultRequestHeaders.Add("X-API-Key", account.GetProperty("api_key").GetString());
        return new(account.GetProperty("id").GetGuid(), client);
    }

    public async Task<TestAccount> AdminAsync(CancellationToken ct)
    {
        var login = await Poll.UntilAsync(
            async () =>
            {
                using var answer = await Http.PostAsJsonAsync("/api/v1/auth/login", new { email = AdminEmail, password = AdminPassword }, ct);
                return answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<JsonElement>(ct) : default;
            }, body => body.ValueKind == JsonValueKind.Object, _within, "the admin's login");
        HttpClient client = new() { BaseAddress = Http.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new("Bearer", login.GetProperty("token").GetString());
        return new(login.GetProperty("user_id").GetGuid(), client);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }

    private sealed class LogLines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}

/// <summary>An account with its credential.</summary>
internal sealed record TestAccount(Guid Id, HttpClient Http)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    /// <summary>Makes a webhook that listens to <paramref name="events"/>, with the secret <c>the secret</c>.</summary>
    public async Task<Guid> HookAsync(string url, CancellationToken ct, params string[] events) =>
        (await SendAsync(HttpMethod.Post, "/api/v1/webhooks", new { url, events = events.ToDictionary(name => name, _ => true), secret = "the secret" }, 201, ct)).GetProperty("id").GetGuid();

    /// <summary>The answer's body, after its status has been checked; undefined where it has none.</summary>
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body, int status, CancellationToken ct)
    {
        using HttpRequestMessage request = new(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await Http.SendAsync(request, ct);
        var text = await answer.Content.ReadAsStringAsync(ct);
        Assert.True(status == (int)answer.StatusCode, $"{method} {path}: {(int)answer.StatusCode} {text}");
        return text.Length == 0 ? default : JsonElement.Parse(text);
    }

    public Task<JsonElement> GetAsync(string path, CancellationToken ct) => SendAsync(HttpMethod.Get, path, null, 200, ct);

    /// <summary>The one delivery of a webhook once it is as the test wants it, with its attempts.</summary>
    public async Task<JsonElement> DeliveryAsync(Guid webhook, Func<JsonElement, bool> accept, CancellationToken ct)
    {
        var path = $"/api/v1/webhooks/{webhook}/deliveries";
        return await Poll.UntilAsync(
            async () =>
            {
                var id = (await GetAsync(path, ct)).GetProperty("deliveries").EnumerateArray().Select(each => each.GetProperty("id").GetString()).SingleOrDefault();
                return id is null ? default : await GetAsync($"{path}/{id}", ct);
            }, delivery => delivery.ValueKind == JsonValueKind.Object && accept(delivery), _within, $"the delivery of webhook {webhook}");
    }

    public Task<JsonElement> EndedAsync(Guid webhook, string status, CancellationToken ct) => DeliveryAsync(webhook, delivery => delivery.GetProperty("status").GetString() == status, ct);
}

/// <summary>Videos and jobs as the platform moves them.</summary>
internal static class Moves
{
    /// <summary>To UPLOADED, with its job queued.</summary>
    public static async Task<Guid> UploadAsync(this TestStore store, Guid? owner, CancellationToken ct)
    {
        var uploads = store.Get<Lifecycle.Store.Videos.UploadStore>();
        var id = Guid.CreateVersion7();
        var token = await uploads.BeginAsync(id, owner, "a \"film\" ä.mp4", ct);
        await uploads.BytesSentAsync(id, token, 10, new byte[32], ct);
        Assert.Equal(MoveOutcome.Moved, await uploads.VerifiedAsync(id, ct));
        return id;
    }

    public static Task<List<string>> EventsAsync(this TestStore store, Guid webhook, CancellationToken ct) =>
        store.QueryAsync("select event from webhook_deliveries where webhook_id = $1 order by id", row => row.GetString(0), ct, webhook);
}
