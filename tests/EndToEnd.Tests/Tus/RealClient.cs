using System.Net;
using System.Text.Json;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Tus;

/// <summary>tus-js-client against the gateway: what works there works in every tus client.</summary>
public sealed class RealClient(Platform platform) : IAsyncLifetime
{
    private const int Bytes = 12 << 20;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("videoplatform-tus-");
    private readonly byte[] _content = SessionClient.Random(Bytes);
    private SessionClient _account = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _account = await platform.AccountAsync("gateway", Ct);
        await File.WriteAllBytesAsync(Path.Combine(_folder.FullName, "film.mp4"), _content, Ct);
    }

    public ValueTask DisposeAsync()
    {
        _account.Dispose();
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(2_000_000, false)]
    [InlineData(6 << 20, true)]
    [InlineData(64 << 20, false)]
    public async Task It_uploads_in_chunks_of_any_size(int chunk, bool dataDuringCreation)
    {
        using var client = await TusClient.StartAsync(Upload(chunk) with { DataDuringCreation = dataDuringCreation });
        await CheckAsync(await client.FinishAsync());
    }

    [Fact]
    public async Task It_pauses_and_goes_on_from_the_address_that_it_kept()
    {
        using var client = await TusClient.StartAsync(Upload(1_500_000) with { PauseAfter = 3 });
        var lines = await client.FinishAsync();
        var resuming = Assert.Single(lines, line => line.GetProperty("event").GetString() == "resuming");
        Assert.Equal((1, true), (resuming.GetProperty("found").GetInt32(), resuming.GetProperty("sameAddress").GetBoolean()));
        Assert.True(lines[^1].GetProperty("chunks").GetInt32() <= (Bytes / 1_500_000) + 2, "nothing was sent twice");
        await CheckAsync(lines);
    }

    [Fact]
    public async Task It_uploads_in_two_pieces_at_once_which_are_made_one()
    {
        using var client = await TusClient.StartAsync(Upload(3 << 20) with { Parallel = 2 });
        await CheckAsync(await client.FinishAsync());
    }

    [Fact]
    public async Task It_goes_on_while_the_replicas_are_killed()
    {
        using var client = await TusClient.StartAsync(Upload(500_000));
        List<JsonElement> lines = [];
        var killed = 0;
        while (await client.NextAsync() is { } line)
        {
            lines.Add(line);
            if (line.GetProperty("event").GetString() == "chunk" && line.GetProperty("number").GetInt32() is 4 or 12)
            {
                var replica = $"upload-api-{++killed}";
                var pid = platform.Pid(replica);
                await Signals.SendAsync("KILL", pid);
                await platform.HealthyAgainAsync(replica, pid, Ct);
            }
        }

        Assert.Equal(2, killed);
        await client.ExitAsync(lines);
        await CheckAsync(lines);
    }

    [Fact]
    public async Task A_browser_s_preflight_is_answered_at_the_gateway()
    {
        using HttpRequestMessage request = new(HttpMethod.Options, "/files/anything") { Headers = { { "Origin", "https://example.com" }, { "Access-Control-Request-Method", "PATCH" }, { "Access-Control-Request-Headers", "upload-offset,tus-resumable,x-api-key,content-type" } } };
        using var answer = await platform.Http.SendAsync(request, Ct);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal("*", SessionClient.Header(answer, "Access-Control-Allow-Origin"));
        Assert.Contains("PATCH", SessionClient.Header(answer, "Access-Control-Allow-Methods"), StringComparison.Ordinal);
        Assert.Contains("Upload-Offset", SessionClient.Header(answer, "Access-Control-Allow-Headers"), StringComparison.Ordinal);
    }

    private TusUpload Upload(int chunk) => new(
        new Uri(platform.Address("gateway"), "/files").ToString(), _account.ApiKey, Path.Combine(_folder.FullName, "film.mp4"), Path.Combine(_folder.FullName, "addresses.json"), chunk);

    private async Task CheckAsync(List<JsonElement> lines)
    {
        var video = lines[^1].GetProperty("video").GetGuid();
        await platform.SourceIsAsync(video, _content, Ct);
        using var answer = await _account.Http.GetAsync($"/api/v1/videos/{video}", Ct);
        Assert.Equal("film.mp4", (await answer.JsonAsync(Ct)).GetProperty("filename").GetString());
        Assert.Equal("FAILED", await platform.EndStateAsync(video, _within, Ct));
        await new Crashes.Aftermath(platform).CheckNothingIsLeftAsync();
    }
}
