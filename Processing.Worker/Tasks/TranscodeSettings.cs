using System.Text.Json;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;

namespace Processing.Worker.Tasks;

/// <summary>From what a transcode job asks for to the media engine's settings.</summary>
internal static class TranscodeSettings
{
    /// <summary>A rung above every source: the picture keeps its size, and the rate follows from it.</summary>
    private static readonly LadderRung _sourceSize = new(4320, 45_000);

    public static async Task<TranscodeConfig> TranscodeConfigAsync(this JobStore jobs, ClaimedTask task, CancellationToken ct) =>
        JsonSerializer.Deserialize((await jobs.ConfigAsync(task.JobId, ct))!, JobJson.Default.TranscodeConfig)!;

    public static MediaSettings Of(TranscodeConfig config, WorkerOptions options) => new()
    {
        Preset = config.Preset ?? options.Preset,
        Threads = options.Threads,
        VideoCodec = config.Codec,
        VideoBitrate = config.Bitrate,
        AudioCodec = config.OutputFormat == "webm" ? "libopus" : "aac",
        Ladder = [config.Resolution is { } resolution ? LadderRung.Default.Single(rung => rung.ShortSide == TranscodeFormats.Resolutions[resolution]) : _sourceSize],
        StoryboardTiles = 0,
        PosterCandidates = 0,
    };
}
