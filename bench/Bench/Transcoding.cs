using System.Diagnostics;

namespace Bench;

/// <summary>One video from POST to READY, seen by its client.</summary>
/// <param name="UploadSeconds">POST to its 201.</param>
/// <param name="WallSeconds">POST to the message READY.</param>
/// <param name="CpuSeconds">Of the workers and their ffmpegs.</param>
public sealed record Transcoding(Guid Video, double UploadSeconds, double WallSeconds, double CpuSeconds, Timeline Timeline)
{
    public static async Task<Transcoding> RunAsync(Platform platform, string source, CancellationToken ct)
    {
        double Cpu() => platform.Workers.Sum(worker => ProcessTimes.CpuSeconds(platform.Pid(worker)));
        var cpu = Cpu();
        var started = Stopwatch.GetTimestamp();
        var video = await platform.UploadAsync(source, ct);
        var accepted = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var ready = await StatusClient.ReadyAsync(platform.Gateway, video, ct);
        var timeline = await Timeline.ReadAsync(await platform.ConnectionStringAsync("videodb", ct), video, ct);
        return new(video, accepted, Stopwatch.GetElapsedTime(started, ready).TotalSeconds, Cpu() - cpu, timeline);
    }

    /// <summary>A short video first: code is compiled, caches and connections are there.</summary>
    public static async Task WarmUpAsync(Platform platform, Session session, CancellationToken ct)
    {
        var piece = Path.Combine(session.Scratch, "piece.mp4");
        await RunAsync(platform, piece, ct);
    }
}
