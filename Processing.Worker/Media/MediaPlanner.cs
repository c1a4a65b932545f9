using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Media.Planning;

namespace Processing.Worker.Media;

/// <summary>The plan task: probes a source and decides renditions, segments and chunks.</summary>
public sealed class MediaPlanner(FfmpegRunner ffmpeg)
{
    /// <summary>Audio that starts this little before the picture (encoder priming) does not move the origin: it is cut.</summary>
    private const long PrimingTicks = (long)(PrimingSeconds * VideoPlan.Timescale);

    internal const double PrimingSeconds = 0.05;

    /// <summary>A container that states this much more than it holds was cut off.</summary>
    private const double TruncatedPart = 0.9;

    private const double TruncatedSlackSeconds = 2;

    /// <param name="sourcePath">The source as uploaded; its name's extension is not looked at.</param>
    /// <param name="scratchDir">An existing directory for this task; <see cref="MediaPlan.Normalized"/> is written there.</param>
    /// <exception cref="MediaUnusableException">The source cannot become a video; permanent.</exception>
    /// <exception cref="MediaFailureException">Anything else; see the category.</exception>
    public async Task<MediaPlan> PlanAsync(string sourcePath, string scratchDir, MediaSettings settings, IProgress<double>? progress, CancellationToken ct)
    {
        var path = Path.GetFullPath(sourcePath);
        var workDir = FfmpegRunner.CreateWorkDir(scratchDir);
        try
        {
            return await PlanAsync(path, workDir, scratchDir, settings, progress, ct);
        }
        catch (MediaFailureException failure) when (failure is not MediaUnusableException && failure.Failure.IsPermanent)
        {
            throw new MediaUnusableException(failure.Failure.Message, failure.Failure.StderrTail);
        }
        finally
        {
            Directory.Delete(workDir, recursive: true);
        }
    }

    private async Task<MediaPlan> PlanAsync(
        string path, string workDir, string scratchDir, MediaSettings settings, IProgress<double>? progress, CancellationToken ct)
    {
        await ContentSniffer.CheckAsync(path, ct);
        var prober = new SourceProbe(ffmpeg, settings);
        var original = await prober.ProbeAsync(path, null, workDir, ct);
        prober.Check(original);
        progress?.Report(0.1);

        var (readPath, probe, normalized) = (path, original, (MediaFile?)null);
        if (Normalizer.IsNeeded(original))
        {
            normalized = await new Normalizer(ffmpeg, settings).RemuxAsync(path, original, workDir, scratchDir, ct);
            readPath = Path.GetFullPath(normalized.PathIn(scratchDir));
            probe = await prober.ProbeAsync(readPath, "matroska", workDir, ct);
            progress?.Report(0.5);
        }

        var cuts = normalized is null ? CutIndex.For(probe, settings) : null;
        var index = await new PacketIndex(ffmpeg, settings).ReadAsync(readPath, probe, cuts, workDir, ct);
        Check(original.Format!, probe.Format!, index);
        progress?.Report(1);
        var plan = Assemble(path, original, probe, index, normalized, settings);
        return cuts?.Segments(plan, index.Frames!) is { } segments ? await CopyAsync(plan, segments, index.Frames!, readPath, workDir, scratchDir, ct) : plan;
    }

    private async Task<MediaPlan> CopyAsync(
        MediaPlan plan, IReadOnlyList<SegmentPlan> segments, FrameTimes frames, string path, string workDir, string scratchDir, CancellationToken ct)
    {
        var copying = plan with { Video = plan.Video! with { Segments = segments }, Chunks = [] };
        return await new StreamCopier(ffmpeg).CopyAsync(copying, frames, path, workDir, scratchDir, ct) is { } copied ? copying with { Copied = copied } : plan;
    }

    private static void Check(ProbeFormat original, ProbeFormat format, SourceIndex index)
    {
        if (index.Streams.Values.All(times => times.Count == 0))
            throw new MediaUnusableException("Not a video: the file holds no picture and no sound data.");
        // Some containers count their duration from 0, some from the first timestamp.
        var held = (index.EndTicks / (double)VideoPlan.Timescale) - Math.Min(0, format.StartSeconds);
        if (original.Demuxer is "mov" or "matroska" or "avi" && held < (original.DurationSeconds * TruncatedPart) - TruncatedSlackSeconds)
            throw new MediaUnusableException($"The file is truncated: {held:0} of {original.DurationSeconds:0} s are there.");
    }

    private static MediaPlan Assemble(
        string path, ProbeOutput original, ProbeOutput probe, SourceIndex index, MediaFile? normalized, MediaSettings settings)
    {
        var stream = index.Frames is null ? null : probe.Streams!.First(candidate => candidate.IsVideo);
        var origin = Origin(index, probe.Streams!);
        var audio = AudioPlanner.Plan(probe.Streams!, index, origin, settings);
        if (stream is null && audio.Count == 0)
            throw new MediaUnusableException("Not a video: the file holds no picture and no sound data.");

        var end = Math.Max(index.Frames?.End - origin ?? 0, (long)(audio.Select(track => track.EndSeconds).DefaultIfEmpty(0).Max() * VideoPlan.Timescale));
        var duration = Math.Round(end / (double)VideoPlan.Timescale, 6);
        if (duration > settings.MaxDurationSeconds)
            throw new MediaUnusableException($"The video lasts {duration:0} s; at most {settings.MaxDurationSeconds:0} s are accepted.");

        var video = stream is null ? null : Video(stream, index.Frames!, origin, settings);
        return new MediaPlan
        {
            Settings = settings,
            Source = Describe(path, original, stream, audio, probe.Streams!),
            Normalized = normalized,
            Demuxer = probe.Format!.Demuxer,
            OriginTicks = origin,
            DurationSeconds = duration,
            Video = video,
            Audio = audio,
            Chunks = video is null ? [] : ChunkPlanner.Plan(
                video, index.Frames!, origin, probe.Format!.StartSeconds, (long)stream!.Width * stream.Height, settings),
        };
    }

    /// <summary>Where the first track starts.</summary>
    private static long Origin(SourceIndex index, IReadOnlyList<ProbeStream> streams)
    {
        var audio = streams.Where(stream => stream.IsAudio && index.Streams[stream.Index].Count > 0)
            .Select(stream => index.Streams[stream.Index].Start).DefaultIfEmpty(long.MaxValue).Min();
        var video = index.Frames?.Ticks[0] ?? long.MaxValue;
        return video != long.MaxValue && audio >= video - PrimingTicks ? video : Math.Min(video, audio);
    }

    private static VideoPlan Video(ProbeStream stream, FrameTimes frames, long origin, MediaSettings settings)
    {
        var picture = PicturePlanner.Plan(stream, frames.Repeated > 0);
        var rate = frames.Rate();
        return new VideoPlan
        {
            StreamIndex = stream.Index,
            FrameRate = rate,
            Frames = frames.Count,
            MaxFrameGap = frames.MaxGap,
            Picture = picture,
            Renditions = LadderPlanner.Plan(picture.Width, picture.Height, rate, settings.Ladder),
            Segments = SegmentPlanner.Plan(frames, origin, settings.SegmentSeconds),
            EndTicks = frames.End - origin,
            Storyboard = StoryboardPlanner.Plan((frames.End - origin) / (double)VideoPlan.Timescale, picture, settings),
        };
    }

    private static SourceInfo Describe(
        string path, ProbeOutput original, ProbeStream? video, IReadOnlyList<AudioTrackPlan> audio, IReadOnlyList<ProbeStream> streams) => new(
            original.Format!.FormatName, new FileInfo(path).Length, original.Format.DurationSeconds, video?.CodecName, video?.PixFmt,
            video?.Width ?? 0, video?.Height ?? 0, video?.Rotation ?? 0,
            [.. audio.Select(track => streams.First(stream => stream.Index == track.StreamIndex).CodecName!)]);
}
