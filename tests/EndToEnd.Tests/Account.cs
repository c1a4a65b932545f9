using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>A new account with a client of its own, through the gateway.</summary>
internal sealed class Account : IDisposable
{
    public const string Password = "correct horse battery staple";

    private Account(HttpClient http, JsonElement login)
    {
        Http = http;
        (Id, Token, ApiKey) = (login.GetProperty("user_id").GetGuid(), login.GetProperty("token").GetString()!, login.GetProperty("api_key").GetString()!);
        http.DefaultRequestHeaders.Authorization = new("Bearer", Token);
    }

    public HttpClient Http { get; }

    public Guid Id { get; }

    public string Token { get; }

    public string ApiKey { get; }

    public static string NewEmail() => $"{Guid.NewGuid():N}@example.com";

    public static async Task<Account> NewAsync(Platform platform, CancellationToken ct)
    {
        var email = NewEmail();
        var http = platform.Application.CreateHttpClient("gateway", "http");
        using var registered = await http.PostAsJsonAsync("/api/v1/auth/register", new { email, password = Password }, ct);
        Assert.Equal(201, (int)registered.StatusCode);
        using var login = await http.PostAsJsonAsync("/api/v1/auth/login", new { email, password = Password }, ct);
        return new(http, await login.JsonAsync(ct));
    }

    /// <summary>A video of this account's.</summary>
    public async Task<Guid> UploadAsync(byte[] file, CancellationToken ct)
    {
        using var answer = await Http.PostAsync("/upload", Platform.Form(file), ct);
        Assert.Equal(201, (int)answer.StatusCode);
        return await Platform.VideoIdAsync(answer, ct);
    }

    public async Task<JsonElement> GetAsync(string path, CancellationToken ct)
    {
        using var answer = await Http.GetAsync(path, ct);
        Assert.True(answer.IsSuccessStatusCode, $"GET {path}: {answer.StatusCode}");
        return await answer.JsonAsync(ct);
    }

    /// <summary>Expects success.</summary>
    public async Task<JsonElement> PostAsync(string path, object? body, CancellationToken ct)
    {
        using var answer = await Http.PostAsync(path, body is null ? null : JsonContent.Create(body), ct);
        Assert.True(answer.IsSuccessStatusCode, $"POST {path}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync(ct)}");
        return await answer.JsonAsync(ct);
    }

    public void Dispose() => Http.Dispose();
}
