using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Processing.Worker.Media;

namespace Processing.Worker.Tasks;

/// <summary>Section <c>Worker</c>.</summary>
public sealed class WorkerOptions
{
    public const string Section = "Worker";

    /// <summary>Tasks that this process runs at a time.</summary>
    [Range(1, 64, ErrorMessage = "Worker:Slots must lie between 1 and 64.")]
    public int Slots { get; set; } = 1;

    /// <summary>Where scratch and cached sources lie; a folder per process is made below it. Empty: the system's temporary folder.</summary>
    public string ScratchPath { get; set; } = "";

    /// <summary>Bytes of sources that are kept for the next task.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "Worker:CacheBytes must not be negative.")]
    public long CacheBytes { get; set; } = 20L << 30;

    /// <summary>Free bytes that a task leaves on the scratch disk; without them it is put off.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "Worker:ReserveBytes must not be negative.")]
    public long ReserveBytes { get; set; } = 1L << 30;

    /// <summary>Uploads of one task's files at a time.</summary>
    [Range(1, 64, ErrorMessage = "Worker:ParallelPuts must lie between 1 and 64.")]
    public int ParallelPuts { get; set; } = 4;

    /// <summary>Delays before the first to last retry of a failed task, in seconds. Seed 004: 60, 120, 240, 480, 960.</summary>
    public IList<double> RetryDelaysSeconds { get; } = [];

    /// <summary>How long a task is put off while a store is away, in seconds.</summary>
    [Range(0.1, 3600, ErrorMessage = "Worker:SnoozeSeconds must lie between 0.1 and 3600.")]
    public double SnoozeSeconds { get; set; } = 10;

    /// <summary>x264 preset of new plans.</summary>
    [RegularExpression("^(ultrafast|superfast|veryfast|faster|fast|medium|slow|slower|veryslow)$", ErrorMessage = "Worker:Preset must be one of x264's presets, ultrafast to veryslow.")]
    public string Preset { get; set; } = "veryfast";

    /// <summary>The ladder of new plans by its rungs' shorter sides in pixels: some of 2160, 1440, 1080, 720, 480, 360, 240. Empty: all. Never above the source.</summary>
    [AllowedHeights(ErrorMessage = "Worker:Heights may name 2160, 1440, 1080, 720, 480, 360 and 240.")]
    public IList<int> Heights { get; } = [];

    /// <summary>Encoder threads of new plans; part of the result. Several workers with one thread each waste less than one with many.</summary>
    [Range(1, 64, ErrorMessage = "Worker:Threads must lie between 1 and 64.")]
    public int Threads { get; set; } = 1;

    /// <summary>x264 preset of live streams: part of what the capacity is measured with.</summary>
    [RegularExpression("^(ultrafast|superfast|veryfast|faster|fast|medium)$", ErrorMessage = "Worker:LivePreset must be one of x264's presets, ultrafast to medium.")]
    public string LivePreset { get; set; } = "veryfast";

    /// <summary>Pixels that a slot encodes a second for a live stream; 0: this process measures it.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "Worker:LivePixelsPerSecond must not be negative.")]
    public long LivePixelsPerSecond { get; set; }

    /// <summary>Certificate authorities, as PEM, that rtmps inputs are trusted by, readable by all users. Empty: the system's.</summary>
    public string LiveCaFile { get; set; } = "";

    /// <summary>How long a broadcast may last, in hours: it is ended then.</summary>
    [Range(0.001, 24, ErrorMessage = "Worker:LiveHoursMost must lie between 0.001 and 24.")]
    public double LiveHoursMost { get; set; } = 12;
}

/// <summary>Section <c>transcoder</c>, with seed 004's names. <c>workerCount</c> is the AppHost's, <c>chunkSize</c> Upload.Api's.</summary>
public sealed class TranscoderOptions
{
    public const string Section = "transcoder";

    /// <summary>Jobs that may have running tasks at a time, over all workers.</summary>
    [Range(1, 10_000, ErrorMessage = "transcoder:maxConcurrent must lie between 1 and 10000.")]
    public int MaxConcurrent { get; set; } = 10;

    /// <summary>Where scratch lies if <c>Worker:ScratchPath</c> does not say. Empty: the system's temporary folder.</summary>
    public string TempDir { get; set; } = "";

    /// <summary>A name on the PATH, or a path.</summary>
    [Required(ErrorMessage = "transcoder:ffmpegPath must name a program; leave it out for ffmpeg on the PATH.")]
    public string FfmpegPath { get; set; } = "ffmpeg";

    /// <summary>A name on the PATH, or a path.</summary>
    [Required(ErrorMessage = "transcoder:ffprobePath must name a program; leave it out for ffprobe on the PATH.")]
    public string FfprobePath { get; set; } = "ffprobe";

    public FfmpegPrograms Programs => new(FfmpegPath, FfprobePath);
}

[OptionsValidator]
internal sealed partial class TranscoderOptionsValidator : IValidateOptions<TranscoderOptions>;

/// <summary>Only heights that the ladder has a rate for.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AllowedHeightsAttribute : ValidationAttribute
{
    public override bool IsValid(object? value) => value is IEnumerable<int> heights && heights.All(height => LadderRung.Default.Any(rung => rung.ShortSide == height));
}

[OptionsValidator]
internal sealed partial class WorkerOptionsValidator : IValidateOptions<WorkerOptions>;
