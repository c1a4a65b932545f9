using System.Globalization;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Planning;

/// <summary>Reads the timestamps of every packet by demuxing, without decoding: so segment boundaries fall on real frames and each segment's frame count is known.</summary>
internal sealed class PacketIndex(FfmpegRunner ffmpeg, MediaSettings settings)
{
    /// <summary>Codecs where one packet is one frame. The others (VP8 with its hidden frames, Theora's repeats, fields of interlaced video) are decoded once to count.</summary>
    private static readonly HashSet<string> OnePacketOneFrame =
        ["h264", "hevc", "vp9", "av1", "mpeg1video", "mpeg2video", "mpeg4", "mjpeg", "prores", "dnxhd", "ffv1", "rawvideo"];

    public async Task<SourceIndex> ReadAsync(string path, ProbeOutput probe, CutIndex? cuts, string workDir, CancellationToken ct)
    {
        var streams = probe.Streams!.ToDictionary(stream => stream.Index, stream => new StreamTimes(stream.Base, settings.MaxFrames));
        var video = probe.Streams!.FirstOrDefault(stream => stream.IsVideo);
        await RunAsync(
            path, workDir, [.. FfmpegArguments.Input(probe.Format!.Demuxer), "-show_entries", "packet=stream_index,pts,duration,size,flags"],
            line =>
            {
                // stream_index,pts,duration,size,flags; side data may follow.
                var fields = line.Split(',');
                if (fields.Length < 5 || !int.TryParse(fields[0], CultureInfo.InvariantCulture, out var index) || !streams.TryGetValue(index, out var times))
                    return;
                cuts?.Add(index, fields);
                if (!fields[4].Contains('D'))
                    times.Add(fields[1], fields[2], keep: index == video?.Index);
            },
            ct);

        if (video is null)
            return new SourceIndex(null, streams);
        var packets = streams[video.Index];
        if (packets.MissingTimes == 0 && !video.IsInterlaced && OnePacketOneFrame.Contains(video.CodecName!))
            return new SourceIndex(FrameTimes.From(packets), streams);

        var frames = new StreamTimes(video.Base, settings.MaxFrames);
        await RunAsync(
            path, workDir,
            [.. FfmpegArguments.Input(probe.Format!.Demuxer), "-select_streams", $"{video.Index}", "-show_entries", "frame=best_effort_timestamp,pkt_duration"],
            line =>
            {
                var fields = line.Split(',');
                if (fields.Length >= 2)
                    frames.Add(fields[0], fields[1], keep: true);
            },
            ct);
        return new SourceIndex(FrameTimes.From(frames), streams);
    }

    private async Task RunAsync(string path, string workDir, IReadOnlyList<string> arguments, Action<string> onLine, CancellationToken ct) =>
        await ffmpeg.RunAsync(
            new FfmpegCommand
            {
                Tool = "ffprobe",
                Arguments = ["-hide_banner", "-v", "error", .. arguments, "-of", "csv=p=0", FfmpegArguments.FileUrl(path)],
                WorkDir = workDir,
                SourcePath = path,
                StallTimeout = TimeSpan.FromSeconds(settings.StallTimeoutSeconds),
                TotalTimeout = TimeSpan.FromSeconds(settings.TaskTimeoutSeconds),
                OnLine = line =>
                {
                    onLine(line);
                    return true;
                },
            },
            ct);
}

/// <summary>When things are shown and heard.</summary>
/// <param name="Frames">Null without video.</param>
/// <param name="Streams">Extent of every stream, by stream index.</param>
internal sealed record SourceIndex(FrameTimes? Frames, IReadOnlyDictionary<int, StreamTimes> Streams)
{
    public long EndTicks => Streams.Values.Where(times => times.Count > 0).Select(times => times.End).DefaultIfEmpty(0).Max();
}

/// <summary>Extent of one stream in ticks of 1/90000 s of source time.</summary>
internal sealed class StreamTimes(TimeBase timeBase, int maxKept)
{
    private readonly List<(long Start, long Duration)> _kept = [];

    public int Count { get; private set; }

    /// <summary>Packets without a presentation time.</summary>
    public int MissingTimes { get; private set; }

    public long Start { get; private set; } = long.MaxValue;

    public long End { get; private set; } = long.MinValue;

    public IReadOnlyList<(long Start, long Duration)> Kept => _kept;

    public void Add(string timestamp, string duration, bool keep)
    {
        if (!long.TryParse(timestamp, CultureInfo.InvariantCulture, out var time))
        {
            MissingTimes++;
            return;
        }
        var start = timeBase.ToTicks(time);
        var length = long.TryParse(duration, CultureInfo.InvariantCulture, out var units) && units > 0 ? timeBase.ToTicks(units) : 0;
        Count++;
        Start = Math.Min(Start, start);
        End = Math.Max(End, start + length);
        if (!keep)
            return;
        if (_kept.Count == maxKept)
            throw new MediaUnusableException($"The video has more than {maxKept} pictures.");
        _kept.Add((start, length));
    }
}
