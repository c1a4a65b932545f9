using System.Diagnostics;

namespace Bench;

/// <summary>One video from POST to READY, seen by its client.</summary>
/// <param name="Posted">When the client began, by the same clock as the database's.</param>
/// <param name="WallSeconds">POST to the message READY.</param>
/// <param name="Cpu">Of the workers and, as their children, of ffmpeg.</param>
public sealed record Transcoding(Guid Video, DateTime Posted, double WallSeconds, Cpu Cpu, Timeline Timeline)
{
    /// <summary>From the first byte to the transaction that makes the job.</summary>
    public double UploadSeconds => (Timeline.JobMade - Posted).TotalSeconds;

    /// <summary>From the transaction that ends the last task to its message at the client.</summary>
    public double ToldSeconds => WallSeconds - UploadSeconds - Timeline.Finalize.End;

    public static async Task<Transcoding> RunAsync(Platform platform, string source, CancellationToken ct)
    {
        Cpu Spent() => platform.Workers.Aggregate(new Cpu(0, 0), (sum, worker) => sum + ProcessTimes.CpuSeconds(platform.Pid(worker)));
        var cpu = Spent();
        var posted = TimeProvider.System.GetUtcNow().UtcDateTime;
        var started = Stopwatch.GetTimestamp();
        var video = await platform.UploadAsync(source, ct);
        var ready = await StatusClient.ReadyAsync(platform.Gateway, video, ct);
        var timeline = await Timeline.ReadAsync(await platform.ConnectionStringAsync("videodb", ct), video, ct);
        return new(video, posted, Stopwatch.GetElapsedTime(started, ready).TotalSeconds, Spent() - cpu, timeline);
    }

    /// <summary>A short video first: code is compiled, caches and connections are there.</summary>
    public static Task WarmUpAsync(Platform platform, Session session, CancellationToken ct) => RunAsync(platform, Path.Combine(session.Scratch, Sources.Piece), ct);
}
