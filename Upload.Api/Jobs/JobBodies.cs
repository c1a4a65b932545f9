using System.Text.Json;
using System.Text.Json.Serialization;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Tasks;

namespace Upload.Api.Jobs;

/// <summary>What to make of a video (seed 004). Everything may be left out.</summary>
/// <param name="Resolution">2160p to 240p; left out: the source's. Never above the source.</param>
/// <param name="OutputFormat">mp4 (default), webm, mkv or hls.</param>
/// <param name="Codec">ffmpeg's name of the video encoder; left out: the format's first.</param>
/// <param name="Bitrate">Average video bit rate in bit/s; left out: constant quality.</param>
/// <param name="Preset">ultrafast to veryslow.</param>
/// <param name="Priority">0 to 10, 10 first; left out: 5.</param>
/// <param name="DependsOn">Jobs that must be completed first.</param>
/// <param name="DependsOnCamelCase">Another spelling of depends_on, read where that is left out.</param>
public sealed record TranscodeRequest(
    string? Resolution, string? OutputFormat, string? Codec, long? Bitrate, string? Preset, int? Priority,
    IReadOnlyList<string?>? DependsOn, [property: JsonPropertyName("dependsOn")] IReadOnlyList<string?>? DependsOnCamelCase);

public sealed record ConfigBody(string? Resolution, string OutputFormat, string Codec, long? Bitrate, string? Preset);

/// <param name="Category">media, storage, resources, timeout, crash, cancelled or unknown.</param>
public sealed record JobErrorBody(string Category, string Reason);

/// <param name="Url">Where to download it, with Range.</param>
/// <param name="Duration">Seconds.</param>
public sealed record OutputBody(string Url, string ContentType, long Size, string Sha256, double Duration, int Width, int Height, string? VideoCodec, string? AudioCodec);

/// <summary>A job as seed 004 shows it.</summary>
/// <param name="Kind">ingest: the video's own processing; transcode: asked for; distribute: its chunks; edge: its copy on the nodes.</param>
/// <param name="Status">pending, queued, processing, paused, completed, failed or cancelled.</param>
/// <param name="Progress">0 to 100.</param>
/// <param name="WorkerId">One that works on it now.</param>
/// <param name="Attempts">Runs of the task that took the most.</param>
public sealed record JobBody(
    Guid Id, Guid VideoId, string Kind, string Status, int Priority, double Progress, ConfigBody? Config, string? WorkerId, int Attempts, IReadOnlyList<Guid> DependsOn,
    JobErrorBody? Error, OutputBody? Output, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt)
{
    public static JobBody Of(JobDetails job) => new(
        job.Id, job.VideoId, JobLifecycle.NameOf(job.Kind), JobLifecycle.Table.NameOf(job.State), job.Priority, Math.Round(job.Progress * 100, 1), ConfigOf(job), job.WorkerId, job.Attempts, job.DependsOn,
        job is { FailureCategory: { } category, FailureReason: { } reason } ? new(category, reason) : null,
        OutputOf(job) is { Files: [var file, ..] files } made
            ? new($"/api/v1/jobs/{job.Id}/output", file.ContentType, files.Sum(each => each.Bytes), file.Sha256, Math.Round(made.DurationSeconds, 3), made.Width, made.Height, made.VideoCodec, made.AudioCodec)
            : null,
        job.CreatedAt, job.StartedAt, job.FinishedAt);

    internal static JobOutput? OutputOf(JobDetails job) => job.Output is { } json ? JsonSerializer.Deserialize(json, JobJson.Default.JobOutput) : null;

    private static ConfigBody? ConfigOf(JobDetails job) =>
        job.Config is { } json && JsonSerializer.Deserialize(json, JobJson.Default.TranscodeConfig) is var (resolution, format, codec, bitrate, preset) ? new(resolution, format, codec, bitrate, preset) : null;
}

/// <param name="Next">Where the next page begins; absent on the last.</param>
public sealed record JobsBody(IReadOnlyList<JobBody> Jobs, string? Next);

public sealed record MessageBody(string Message);

/// <summary>A job whose task failed for good.</summary>
/// <param name="Attempts">Runs of the task.</param>
/// <param name="StderrTail">The end of what ffmpeg said, or the exception; only where one entry is asked for.</param>
public sealed record DeadLetterBody(Guid Id, Guid JobId, Guid VideoId, string Category, string Reason, int Attempts, DateTimeOffset FailedAt, string? StderrTail)
{
    public static DeadLetterBody Of(DeadLetter letter, bool whole) =>
        new(letter.Id, letter.JobId, letter.VideoId, letter.Category, letter.Reason, letter.Attempts, letter.FailedAt, whole ? letter.Detail ?? "" : null);
}

/// <param name="Next">Where the next page begins; absent on the last.</param>
public sealed record DeadLettersBody(IReadOnlyList<DeadLetterBody> Entries, string? Next);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TranscodeRequest))]
[JsonSerializable(typeof(JobBody))]
[JsonSerializable(typeof(JobsBody))]
[JsonSerializable(typeof(MessageBody))]
[JsonSerializable(typeof(DeadLetterBody))]
[JsonSerializable(typeof(DeadLettersBody))]
internal sealed partial class JobBodyJson : JsonSerializerContext;
