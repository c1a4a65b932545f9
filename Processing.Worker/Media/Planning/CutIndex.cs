using System.Globalization;
using System.Runtime.InteropServices;

namespace Processing.Worker.Media.Planning;

/// <summary>
/// Where a source can be cut without encoding, and how many bytes lie between: gathered while its packets go by, in decode order. A cut stands before
/// a key frame whose predecessors are all shown before it and whose successors all after it; whether it is an IDR picture is seen when it is copied.
/// </summary>
internal sealed class CutIndex(ProbeStream video, ProbeStream? audio, int segmentBytes)
{
    /// <summary>Clients reckon that every chunk lasts as long as the next: none begins further from its time.</summary>
    private const long ToleranceTicks = VideoPlan.Timescale;

    /// <summary>Of a key frame to the one kept before: bounds what is kept of a source that has nothing else.</summary>
    private const long SpacingTicks = VideoPlan.Timescale / 4;

    /// <summary>Containers that count milliseconds round both ends of a packet.</summary>
    private const long JitterTicks = 3 * VideoPlan.Timescale / 1000;

    /// <summary>What the container takes (ISO/IEC 14496-12): for a packet all four fields of a trun, for a key frame a fragment of two tracks, and the rest of a chunk.</summary>
    private const int PacketOverheadBytes = 16;
    private const int FragmentOverheadBytes = 320;
    private const int SegmentOverheadBytes = 16 << 10;

    /// <summary>A whole second of the sound counts on both sides of a cut; a day of it is more than any video may last.</summary>
    private const int MostSeconds = 24 * 3600;

    private readonly List<KeyFrame> _keys = [];
    private readonly Dictionary<long, long> _audioBytes = [];
    private bool _isUnfit;
    private int _frames;
    private long _bytes;
    private long _latest = long.MinValue;
    private long? _audioEnd;

    /// <summary>Null where the picture or the sound would have to be encoded whatever the packets are.</summary>
    public static CutIndex? For(ProbeOutput probe, MediaSettings settings)
    {
        var video = probe.Streams!.FirstOrDefault(stream => stream.IsVideo);
        var audio = probe.Streams!.FirstOrDefault(stream => stream.IsAudio);
        return settings.CopiedSegmentBytes > 0 && probe.Format!.Demuxer is "mov" or "matroska"
            && video is { CodecName: "h264", PixFmt: "yuv420p", FieldOrder: "progressive", Rotation: 0 }
            && audio is null or { CodecName: "aac", Profile: "LC", Channels: 1 or 2 }
            ? new(video, audio, settings.CopiedSegmentBytes)
            : null;
    }

    /// <param name="fields">stream_index,pts,duration,size,flags</param>
    public void Add(int stream, ReadOnlySpan<string> fields)
    {
        if (_isUnfit || (stream != video.Index && stream != audio?.Index))
            return; // nothing more is kept of what is not copied
        var known = long.TryParse(fields[1], CultureInfo.InvariantCulture, out var pts) & int.TryParse(fields[3], CultureInfo.InvariantCulture, out var size);
        var isDiscarded = fields[4].Contains('D');
        if (!known)
            _isUnfit = true;
        else if (stream == video.Index)
            AddPicture(video.Base.ToTicks(pts), size, fields[4].Contains('K'), isDiscarded);
        else
            AddSound(audio!.Base.ToTicks(pts), long.TryParse(fields[2], CultureInfo.InvariantCulture, out var duration) ? audio.Base.ToTicks(duration) : 0, size, isDiscarded);
    }

    /// <summary>Segments that begin at key frames and fit; null where there are none.</summary>
    /// <param name="plan">As for encoding.</param>
    public IReadOnlyList<SegmentPlan>? Segments(MediaPlan plan, FrameTimes frames)
    {
        if (_isUnfit || plan.Video!.Picture is not { Interlaced: false, DropRepeated: false, Conversion: ColourConversion.None } || _frames != frames.Count
            || _keys.Count == 0 || _keys[0].Frames != 0 || frames.Ticks[0] != plan.OriginTicks || !IsSoundAligned(plan))
            return null;

        List<KeyFrame> cuts = [_keys[0]];
        foreach (var nominal in SegmentPlanner.Nominals(frames, plan.Settings.SegmentSeconds))
        {
            var nearest = Nearest(nominal);
            if (Math.Abs(nearest.Ticks - nominal) > ToleranceTicks)
                return null;
            cuts.Add(nearest);
        }

        cuts.Add(new(frames.End, _frames, _bytes));
        var segments = cuts.Zip(cuts.Skip(1)).ToList();
        return segments.All(segment => BytesOf(segment.First, segment.Second, segment.Second.Frames == _frames) <= segmentBytes)
            ? [.. segments.Select(segment => new SegmentPlan(segment.First.Ticks - plan.OriginTicks, frames.CutBefore(segment.First.Frames), segment.Second.Frames - segment.First.Frames))]
            : null;
    }

    private void AddPicture(long ticks, int size, bool isKey, bool isDiscarded)
    {
        _isUnfit |= isDiscarded; // an edit list leaves it out: a copy would bring it back
        while (_keys.Count > 0 && ticks < _keys[^1].Ticks)
            _keys.RemoveAt(_keys.Count - 1);
        if (isKey && ticks > _latest && (_keys.Count == 0 || ticks - _keys[^1].Ticks >= SpacingTicks))
            _keys.Add(new(ticks, _frames, _bytes));
        _latest = Math.Max(_latest, ticks);
        _frames++;
        _bytes += size + PacketOverheadBytes + (isKey ? FragmentOverheadBytes : 0);
    }

    /// <summary>Encoding fills gaps with silence; a copy would keep them. What is left out at the beginning is the encoder's priming.</summary>
    private void AddSound(long ticks, long duration, int size, bool isDiscarded)
    {
        _isUnfit |= duration <= 0 || (_audioEnd is { } end && (ticks - end is > JitterTicks or < -JitterTicks || isDiscarded));
        _audioEnd = ticks + duration;
        var second = Math.DivRem(ticks, VideoPlan.Timescale).Quotient;
        _audioBytes[second] = _audioBytes.GetValueOrDefault(second) + size + PacketOverheadBytes;
        _isUnfit |= _audioBytes.Count > MostSeconds;
    }

    /// <summary>The sound of the plan begins with the picture and ends with it.</summary>
    private bool IsSoundAligned(MediaPlan plan) => audio is null ? plan.Audio.Count == 0
        : plan.Audio is [var track] && track.StreamIndex == audio.Index && Math.Abs(track.StartSeconds) <= MediaPlanner.PrimingSeconds
          && track.EndSeconds - (plan.Video!.EndTicks / (double)VideoPlan.Timescale) <= 1;

    private KeyFrame Nearest(long ticks)
    {
        var found = _keys.BinarySearch(new KeyFrame(ticks, 0, 0), KeyFrame.ByTime);
        if (found >= 0)
            return _keys[found];
        var (before, after) = (_keys[Math.Max(0, ~found - 1)], _keys[Math.Min(_keys.Count - 1, ~found)]);
        return ticks - before.Ticks < after.Ticks - ticks || after.Ticks < ticks ? before : after;
    }

    private long BytesOf(KeyFrame first, KeyFrame next, bool isLast)
    {
        var sound = 0L;
        var last = isLast ? (_audioEnd ?? 0) : next.Ticks;
        for (var second = first.Ticks / VideoPlan.Timescale; second <= last / VideoPlan.Timescale; second++)
            sound += _audioBytes.GetValueOrDefault(second);
        return next.Bytes - first.Bytes + sound + SegmentOverheadBytes;
    }

    /// <param name="Ticks">When it is shown.</param>
    /// <param name="Frames">Before it.</param>
    /// <param name="Bytes">Of the picture, before it.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct KeyFrame(long Ticks, int Frames, long Bytes)
    {
        public static readonly IComparer<KeyFrame> ByTime = Comparer<KeyFrame>.Create((first, second) => first.Ticks.CompareTo(second.Ticks));
    }
}
