using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Planning;

/// <summary>
/// Remuxes a source whose container has no exact index into Matroska by stream copy. MPEG-TS, AVI and FLV lost frames or doubled one when chunks
/// were read from the middle (measured with ffmpeg 5.1); Matroska does not.
/// </summary>
internal sealed class Normalizer(FfmpegRunner ffmpeg, MediaSettings settings)
{
    public const string FileName = "normalized.mkv";

    /// <summary>What Matroska carries as it is; the rest becomes FLAC, which loses nothing.</summary>
    private static readonly HashSet<string> CopiedAudio =
        ["aac", "ac3", "eac3", "dts", "mp2", "mp3", "opus", "vorbis", "flac", "alac", "truehd", "pcm_s16le", "pcm_s24le", "pcm_u8", "wmav2"];

    public static bool IsNeeded(ProbeOutput probe) =>
        probe.Format!.Demuxer is not ("mov" or "matroska") && probe.Streams!.Any(stream => stream.IsVideo);

    public async Task<MediaFile> RemuxAsync(string path, ProbeOutput probe, string workDir, string scratchDir, CancellationToken ct)
    {
        var progress = new FfmpegProgress("out_time_us", probe.Format!.DurationSeconds * 1e6, 0, null);
        await ffmpeg.RunAsync(
            new FfmpegCommand
            {
                Tool = "ffmpeg",
                Arguments = Arguments(path, probe, settings.MaxAudioTracks),
                WorkDir = workDir,
                SourcePath = path,
                StallTimeout = TimeSpan.FromSeconds(settings.StallTimeoutSeconds),
                TotalTimeout = TimeSpan.FromSeconds(settings.TaskTimeoutSeconds),
                OnLine = progress.Accept,
            },
            ct);
        File.Move(Path.Combine(workDir, FileName), Path.Combine(scratchDir, FileName), overwrite: true);
        return await MediaFile.DescribeAsync(scratchDir, FileName, "video/x-matroska", ct);
    }

    public static IReadOnlyList<string> Arguments(string path, ProbeOutput probe, int maxAudioTracks)
    {
        var video = probe.Streams!.First(stream => stream.IsVideo);
        var audio = probe.Streams!.Where(stream => stream.IsAudio).Take(maxAudioTracks).ToList();
        return
        [
            .. FfmpegArguments.Quiet, .. FfmpegArguments.Input(probe.Format!.Demuxer), "-fflags", "+genpts", "-i", FfmpegArguments.FileUrl(path),
            "-map", $"0:{video.Index}", "-c:v", "copy",
            .. audio.SelectMany((stream, i) =>
                new[] { "-map", $"0:{stream.Index}", $"-c:a:{i}", CopiedAudio.Contains(stream.CodecName!) ? "copy" : "flac" }),

            // Packed B-frames (two frames in a packet, then an empty one) are common in old AVI files.
            .. video.CodecName == "mpeg4" ? ["-bsf:v", "mpeg4_unpack_bframes"] : Array.Empty<string>(),
            "-sn", "-dn", "-map_chapters", "-1", "-avoid_negative_ts", "make_zero", "-max_interleave_delta", "0",
            "-fflags", "+bitexact", "-f", "matroska", FileName,
        ];
    }
}
