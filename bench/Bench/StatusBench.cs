using System.Diagnostics;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Videos;
using Microsoft.Extensions.DependencyInjection;

namespace Bench;

/// <summary>
/// From a commit to its message at a client. This process makes the transitions through the product's own store, as a worker
/// does, and reads the clock when CommitAsync has returned; the message comes by outbox, broker, Upload.Api and gateway.
/// </summary>
internal static class StatusBench
{
    private const double AimMilliseconds = 50;

    private static readonly VideoTrigger[] _moves = [VideoTrigger.WorkClaimed, VideoTrigger.OutputsVerified];

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var platform = await session.StartAsync(new(), ct);
        await platform.StopAsync("processing-worker", ct); // they would claim the videos' tasks
        var services = await platform.JoinAsync(ct);
        for (var i = 0; i < 5; i++)
        {
            await VideoAsync(platform, services, ct);
        }

        List<double> delays = [];
        for (var videos = session.Quick ? 10 : 100; videos > 0; videos--)
        {
            delays.AddRange(await VideoAsync(platform, services, ct));
        }

        Figures figures = new(delays);
        Session.Print($"{delays.Count} transitions, one at a time; milliseconds from the commit to the message at the client's WebSocket");
        Session.Print($"  min {figures.Min:0.0}   p50 {figures.Median:0.0}   p95 {figures.Percentile(95):0.0}   p99 {figures.Percentile(99):0.0}   max {figures.Max:0.0}");
        Session.Print($"The ratio is the median over the aim of {AimMilliseconds} ms.");
        return figures.Median / AimMilliseconds;
    }

    /// <summary>A video from UPLOADED to READY, its client listening.</summary>
    private static async Task<IReadOnlyList<double>> VideoAsync(Platform platform, IServiceProvider services, CancellationToken ct)
    {
        var uploads = services.GetRequiredService<UploadStore>();
        var video = Guid.CreateVersion7();
        var token = await uploads.BeginAsync(video, null, null, ct);
        await uploads.BytesSentAsync(video, token, 1, new byte[32], ct);
        await uploads.VerifiedAsync(video, ct);

        using var client = await StatusClient.OpenAsync(platform.Gateway, video, ct);
        await client.NextAsync(ct); // the snapshot
        List<double> delays = [];
        foreach (var trigger in _moves)
        {
            var next = client.NextAsync(ct);
            var committed = await MoveAsync(services.GetRequiredService<LifecycleDatabase>(), video, trigger, ct);
            var (_, received) = await next;
            delays.Add(Stopwatch.GetElapsedTime(committed, received).TotalMilliseconds);
        }

        return delays;
    }

    private static async Task<long> MoveAsync(LifecycleDatabase database, Guid videoId, VideoTrigger trigger, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var video = await transaction.LockVideoAsync(videoId, ct);
        if (await transaction.MoveAsync(video!, trigger, null, ct) != MoveOutcome.Moved)
        {
            throw new InvalidOperationException($"{trigger} is not allowed.");
        }

        await transaction.CommitAsync(ct);
        return Stopwatch.GetTimestamp();
    }
}
