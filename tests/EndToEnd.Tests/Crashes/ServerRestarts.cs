using System.Net;
using Aspire.Hosting.ApplicationModel;
using Lifecycle.Contracts;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Crashes;

/// <summary>The servers that the platform stands on go away and come back while it works.</summary>
public sealed class ServerRestarts(Platform platform)
{
    private const int Most = 10;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(3);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("messaging")]
    [InlineData("postgres")]
    [InlineData("gateway")]
    [InlineData("minio")]
    public async Task What_was_answered_201_becomes_READY_over_a_restart_of(string server)
    {
        var source = await Clips.ShortAsync();
        List<Guid> accepted = [await platform.UploadAsync(source, Ct), await platform.UploadAsync(source, Ct)];
        var restarted = platform.RestartAsync(server, Ct);
        try
        {
            // Uploads go on meanwhile.
            while (!restarted.IsCompleted && accepted.Count < Most)
            {
                if (await TryUploadAsync(source, mayBreak: server == "gateway") is { } video)
                {
                    accepted.Add(video);
                }
            }
        }
        finally
        {
            await restarted;
        }

        accepted.Add(await platform.UploadAsync(source, Ct));
        foreach (var video in accepted)
        {
            Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
        }

        await new Aftermath(platform).CheckAsync(source, accepted);
    }

    /// <summary>A refusal is fine, a 201 is a promise; only where the gateway itself goes away may a connection break.</summary>
    private async Task<Guid?> TryUploadAsync(byte[] source, bool mayBreak)
    {
        try
        {
            using var answer = await platform.Http.PostAsync("/upload", Platform.Form(source), Ct);
            Assert.True((int)answer.StatusCode is 201 or 500 or 503, $"{answer.StatusCode}");
            return answer.StatusCode == HttpStatusCode.Created ? await Platform.VideoIdAsync(answer, Ct) : null;
        }
        catch (HttpRequestException) when (mayBreak)
        {
            return null;
        }
    }

    /// <summary>Half an hour, 60 times faster, as the platform's retries and pauses are here: longer than all retries together.</summary>
    [Fact]
    public async Task An_outage_of_S3_longer_than_all_retries_fails_no_video_and_spends_no_attempt()
    {
        await Pool.IdleAsync(platform, Ct);
        var source = await Clips.ShortAsync();
        platform.Arm(FaultPoint.TaskChunk, "delay 2");
        Guid[] videos = [await platform.UploadAsync(source, Ct), await platform.UploadAsync(source, Ct)];
        await platform.HitAsync(FaultPoint.TaskChunk, _within);
        await platform.CommandAsync("minio", KnownResourceCommands.StopCommand, Ct);
        await Task.Delay(TimeSpan.FromSeconds(35), TimeProvider.System, Ct); // the outage itself
        foreach (var video in videos)
        {
            Assert.NotEqual("FAILED", await StateAsync(video));
        }

        await platform.CommandAsync("minio", KnownResourceCommands.StartCommand, Ct);
        await platform.HealthyAsync("minio", Ct);
        await new Aftermath(platform).CheckAsync(source, videos);
        Assert.Equal(1, await platform.Store.ScalarAsync<int>("select max(attempt) from tasks where video_id = any($1)", Ct, videos));
        Assert.NotEqual(0, await platform.Store.ScalarAsync<long>("select count(*) from task_runs r join tasks t on t.id = r.task_id where r.outcome = 'Snoozed' and t.video_id = any($1)", Ct, videos));
    }

    private Task<string> StateAsync(Guid video) => platform.Store.ScalarAsync<string>("select state from videos where id = $1", Ct, video);
}
