using System.Text.Json;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>Two workers of one slot each: live streams go before videos, and what does not fit is told at once.</summary>
public sealed class Capacity(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(45);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_streams_put_off_a_video_s_tasks_a_third_is_refused_and_the_video_follows()
    {
        await Pool.IdleAsync(platform, Ct);
        using var owner = await Account.NewAsync(platform, Ct);
        var source = await Sources.MakeAsync("beside-live", "mp4", ["-f", "lavfi", "-i", "testsrc2=s=854x480:r=25:d=60,noise=alls=10:allf=t", .. "-c:v libx264 -preset ultrafast -crf 38 -pix_fmt yuv420p".Split(' ')]);
        var video = await platform.UploadAsync(await File.ReadAllBytesAsync(source, Ct), Ct);
        await Poll.UntilAsync(() => LeasedAsync(video, "chunk"), leased => leased == 2, TimeSpan.FromMinutes(1), "a video that keeps both workers busy");

        OnAir[] streams = [await OnAir.ProvisionedAsync(platform, owner, ct: Ct), await OnAir.ProvisionedAsync(platform, owner, ct: Ct)];
        await RefusedAsync(owner);
        var broadcasters = new List<Broadcaster>();
        try
        {
            foreach (var stream in streams)
            {
                broadcasters.Add(Broadcaster.Push(await stream.PushUrlAsync(Ct)));
            }

            await Task.WhenAll(streams.Select(stream => stream.StatusAsync("LIVE", _within, Ct)));
            Assert.Equal(0, await LeasedAsync(video));
            await broadcasters[0].SentAsync(broadcasters[0].Seconds + 6);
            Assert.Equal(0, await LeasedAsync(video));
            foreach (var broadcaster in broadcasters)
            {
                Assert.Equal((0, ""), await broadcaster.FinishAsync());
            }
        }
        finally
        {
            foreach (var broadcaster in broadcasters)
            {
                await broadcaster.DisposeAsync();
            }
        }

        Assert.Equal("READY", await platform.EndStateAsync(video, Library.EndsWithin, Ct));
        Assert.Equal(1, await platform.Store.ScalarAsync<int>("select max(attempt) from tasks where video_id = $1", Ct, video));
        foreach (var stream in streams)
        {
            await stream.RecordedAsync(Ct);
        }
    }

    /// <summary>The reason names what is full.</summary>
    private async Task RefusedAsync(Account owner)
    {
        OnAir third = new(platform, owner, OnAir.NewId());
        await third.RequestAsync(OnAir.IngestUrl(platform, third.Id), Ct);
        var refused = await third.WorkflowAsync("WorkflowFailed", _within, Ct);
        Assert.Equal("FAILED", refused.GetProperty("status").GetString());
        Assert.Matches("2 .*slot", refused.GetProperty("workflow").GetProperty("error").GetString());
        Assert.Contains(refused.GetProperty("workflow").GetProperty("steps").EnumerateArray(), step => Is(step, "ProvisionEncoderInfrastructure", "Failure"));
    }

    private static bool Is(JsonElement step, string state, string outcome) =>
        step.GetProperty("state").GetString() == state && step.TryGetProperty("outcome", out var came) && came.GetString() == outcome;

    private Task<long> LeasedAsync(Guid video) => platform.Store.ScalarAsync<long>("select count(*) from tasks where video_id = $1 and state = 'leased'", Ct, video);

    private Task<long> LeasedAsync(Guid video, string kind) => platform.Store.ScalarAsync<long>("select count(*) from tasks where video_id = $1 and state = 'leased' and kind = $2", Ct, video, kind);
}
