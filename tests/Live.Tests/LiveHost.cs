using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Lifecycle.Store.Accounts;
using Live.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Testing;
using VideoPlatform.Accounts;

namespace Live.Tests;

/// <summary>An answer with its body as it came.</summary>
internal sealed record Answer(int Status, string Text, string? ContentType, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    public JsonElement Json => JsonElement.Parse(Text);

    public string Message => Json.GetProperty("message").GetString()!;

    public string[] Issues => [.. Json.GetProperty("issues").EnumerateArray().Select(issue => issue.GetString()!)];

    public override string ToString() => $"{Status} {Text}";
}

/// <summary>Live.Api as it is, on Kestrel and a free port. Two of them over one store are two replicas.</summary>
internal sealed class LiveHost : IAsyncDisposable
{
    public const string Ingest = "rtmp://127.0.0.1:1935/live";

    public const string AllowedHost = "encoder.example.com";

    private readonly WebApplication _app;

    private LiveHost(WebApplication app) => (_app, Http) = (app, new() { BaseAddress = new(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(60) });

    public HttpClient Http { get; }

    private static CancellationToken Ct => Xunit.TestContext.Current.CancellationToken;

    public static async Task<LiveHost> StartAsync(TestStore store, params (string Name, string Value)[] settings)
    {
        var app = LiveApi.Build(Arguments(store, settings));
        await app.StartAsync(Ct);
        return new(app);
    }

    /// <summary>Later settings win.</summary>
    public static string[] Arguments(TestStore store, params IEnumerable<(string Name, string Value)> settings)
    {
        (string Name, string Value)[] usual =
        [
            ("environment", "Development"), ("urls", "http://127.0.0.1:0"), ("Logging:LogLevel:Default", "None"), ("Accounts:Secret", "a secret for tests, as long as it has to be"),
            ("Streams:IngestUrl", Ingest), ("Streams:PlaySecret", "a secret that workers have too, as long as it has to be"), ("Streams:AllowedHosts:0", AllowedHost),
        ];
        return
        [
            .. store.ConnectionStrings.Select(pair => (Name: pair.Key, Value: pair.Value!)).Concat(usual).Concat(settings)
                .GroupBy(setting => setting.Name, StringComparer.OrdinalIgnoreCase).Select(group => $"--{group.Key}={group.Last().Value}"),
        ];
    }

    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    public Task<Answer> PostAsync(string body, string? token = null) => SendAsync("POST", "/streams", body, token);

    public Task<Answer> PutAsync(string body, string? token = null) => SendAsync("PUT", "/streams", body, token);

    public Task<Answer> GetAsync(string path, string? token = null) => SendAsync("GET", path, null, token);

    public async Task<Answer> SendAsync(string method, string path, string? body = null, string? token = null)
    {
        using HttpRequestMessage request = new(new(method), path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = token is null ? null : new("Bearer", token);
        using var response = await Http.SendAsync(request, Ct);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(Ct), response.Content.Headers.ContentType?.ToString(), response.Headers, response.Content.Headers);
    }

    /// <summary>A new account: its id and a token.</summary>
    public async Task<(Guid Id, string Token)> AccountAsync(Role role = Role.User)
    {
        var user = (await Get<UserStore>().CreateAsync($"{Guid.NewGuid():N}@example.com", "", role, Ct))!;
        return (user.Id, Get<Credentials>().TokenFor(user));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
