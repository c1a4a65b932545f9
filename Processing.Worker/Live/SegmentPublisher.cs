using System.Globalization;
using System.Security.Cryptography;
using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Live;
using Lifecycle.Store.Objects;
using Processing.Worker.Media.Boxes;

namespace Processing.Worker.Live;

/// <summary>Puts finished sets into the store, then lists them: a listed segment is always there.</summary>
internal sealed class SegmentPublisher(ObjectStore objects, LiveSegments segments, FaultPoints faults, LiveMetrics metrics, TimeProvider time)
{
    /// <summary>When the generation's first sample came, by the database's clock.</summary>
    /// <param name="firstAt">The same, as the time provider's timestamp.</param>
    public async Task<DateTimeOffset> OriginAsync(long firstAt, CancellationToken ct)
    {
        var now = await StoreRetry.UntilDoneAsync(segments.NowAsync, time, ct);
        return now - time.GetElapsedTime(firstAt);
    }

    /// <param name="origin">Of <see cref="OriginAsync"/>.</param>
    /// <param name="set">In the order of the plan's renditions, then the sound.</param>
    /// <param name="index">Counts the generation's sets.</param>
    /// <returns>False: the session is somebody else's or has ended.</returns>
    public async Task<bool> PublishAsync(Generation generation, LivePlan plan, DateTimeOffset origin, IReadOnlyList<CutSegment> set, int index, CancellationToken ct)
    {
        var begun = time.GetTimestamp();
        List<(string Key, ReadOnlyMemory<byte> Content)> puts = [];
        List<LiveTrack> tracks = [];
        List<LiveSegment> listed = [];
        foreach (var (i, segment) in set.Index())
        {
            var name = i < plan.Renditions.Count ? plan.Renditions[i].Name : LivePlan.AudioTrack;
            var key = generation.KeyOf(string.Create(CultureInfo.InvariantCulture, $"{name}-{index:D5}.m4s"));
            puts.Add((key, segment.Content));
            listed.Add(new(name, key, segment.Content.Length, Hash(segment.Content), segment.Seconds, origin + TimeSpan.FromSeconds(segment.StartSeconds)));
            if (index == 0)
            {
                var init = generation.KeyOf($"{name}-init.mp4");
                puts.Add((init, segment.Init.Content));
                tracks.Add(TrackOf(plan, i, name, init, segment.Init));
            }
        }

        await Parallel.ForEachAsync(puts, new ParallelOptions { MaxDegreeOfParallelism = puts.Count, CancellationToken = ct }, async (put, stop) => await StoreRetry.UntilDoneAsync(async within =>
        {
            using MemoryStream body = new(put.Content.ToArray(), writable: false);
            await objects.PutAsync(put.Key, body, within);
            return true;
        }, time, stop));

        await faults.PassAsync(FaultPoint.LiveBeforeCommit, ct);
        int? number = generation.Number.IsCompletedSuccessfully ? await generation.Number : null;
        var committed = await StoreRetry.UntilDoneAsync(within => segments.CommitAsync(generation.Session, new(number, tracks, listed), within), time, ct);
        await faults.PassAsync(FaultPoint.LiveAfterCommit, ct);
        if (committed is not { } given)
        {
            return false;
        }

        generation.Numbered(given);
        metrics.Listed(time.GetElapsedTime(begun));
        return true;
    }

    private static LiveTrack TrackOf(LivePlan plan, int index, string name, string key, TrackInit init)
    {
        var content = init.Content;
        return index < plan.Renditions.Count && plan.Renditions[index] is var rendition
            ? new(name, "video", key, content.Length, Hash(content), init.Codecs, LiveArguments.Bandwidth(rendition), rendition.Width, rendition.Height, plan.Rate.PerSecond)
            : new(name, "audio", key, content.Length, Hash(content), init.Codecs, LiveArguments.AudioBandwidth, null, null, null);
    }

    private static string Hash(ReadOnlyMemory<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content.Span));
}
