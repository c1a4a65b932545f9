using System.Globalization;
using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Live;
using Lifecycle.Store.Objects;
using Processing.Worker.Media.Boxes;
using Storage.Fabric;

namespace Processing.Worker.Live;

/// <summary>A generation's place in its stream.</summary>
/// <param name="At">When its first sample came, by the database's clock.</param>
/// <param name="MediaMilliseconds">Where its media begins, behind all that was listed before; whole in both timescales, 90000 and 48000.</param>
internal sealed record GenerationOrigin(DateTimeOffset At, long MediaMilliseconds)
{
    /// <exception cref="InvalidDataException">The timescale has no whole number for it.</exception>
    public long In(int timescale) =>
        MediaMilliseconds * timescale % 1000 == 0 ? MediaMilliseconds * timescale / 1000 : throw new InvalidDataException($"{MediaMilliseconds} ms are no whole number of 1/{timescale} s.");
}

/// <summary>Puts finished sets into the store, then lists them: a listed segment is always there.</summary>
internal sealed class SegmentPublisher(ObjectStore objects, LiveSegments segments, FaultPoints faults, LiveMetrics metrics, TimeProvider time)
{
    /// <summary>Reads where the generation begins: after the one before has ended.</summary>
    /// <param name="firstAt">When its first sample came, as the time provider's timestamp.</param>
    /// <returns>Null: the session is somebody else's or has ended.</returns>
    public async Task<GenerationOrigin?> OriginAsync(Generation generation, long firstAt, CancellationToken ct) =>
        await StoreRetry.UntilDoneAsync(within => segments.BeginAsync(generation.Session, within), time, ct) is { } start
            ? new(start.Now - time.GetElapsedTime(firstAt), start.MediaMilliseconds)
            : null;

    /// <param name="origin">Of <see cref="OriginAsync"/>.</param>
    /// <param name="set">In the order of the plan's renditions, then the sound.</param>
    /// <param name="index">Counts the generation's sets.</param>
    /// <returns>False: the session is somebody else's or has ended.</returns>
    public async Task<bool> PublishAsync(Generation generation, LivePlan plan, GenerationOrigin origin, IReadOnlyList<CutSegment> set, int index, CancellationToken ct)
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
            listed.Add(new(name, key, segment.Content.Length, Checksum.HexOf(segment.Content.Span), segment.Seconds, origin.At + TimeSpan.FromSeconds(segment.StartSeconds)));
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
        var (start, end) = (origin.MediaMilliseconds + set.Min(segment => segment.StartMilliseconds), origin.MediaMilliseconds + set.Max(segment => segment.EndMilliseconds));
        int? number = generation.Number.IsCompletedSuccessfully ? await generation.Number : null;
        var committed = await StoreRetry.UntilDoneAsync(within => segments.CommitAsync(generation.Session, new(number, tracks, listed, start, end), within), time, ct);
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
            ? new(name, "video", key, content.Length, Checksum.HexOf(content.Span), init.Codecs, LiveArguments.Bandwidth(rendition), rendition.Width, rendition.Height, plan.Rate.PerSecond)
            : new(name, "audio", key, content.Length, Checksum.HexOf(content.Span), init.Codecs, LiveArguments.AudioBandwidth, null, null, null);
    }
}
