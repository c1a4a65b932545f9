using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Jobs;

internal static class JobDocs
{
    private const string Head = $$"""
        "id":"{{Example.Job}}","video_id":"{{Example.Video}}","kind":"transcode","priority":10,"depends_on":[],"created_at":"2025-01-17T09:55:00Z",
        "config":{"resolution":"1080p","output_format":"mp4","codec":"libx264","bitrate":5000000,"preset":"medium"}
        """;

    private const string Queued = $$"""{{{Head}},"status":"queued","progress":0,"attempts":0}""";

    private const string Running = $$"""{{{Head}},"status":"processing","progress":45.5,"attempts":1,"worker_id":"worker-1","started_at":"2025-01-17T10:00:00Z"}""";

    private const string Completed = $$"""
        {{{Head}},"status":"completed","progress":100,"attempts":1,"started_at":"2025-01-17T10:00:00Z","finished_at":"2025-01-17T10:30:00Z",
         "output":{"url":"/api/v1/jobs/{{Example.Job}}/output","content_type":"video/mp4","size":75312500,"sha256":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                   "duration":120.5,"width":1920,"height":1080,"video_codec":"h264","audio_codec":"aac"} }
        """;

    private static readonly OperationDoc _output = new(
        "GET", "/api/v1/jobs/{jobId}/output", "getOutput", "The file that a job has made; for HLS its playlist", new(200, "All of it.", Bytes("video/mp4"), Headers.ETag))
    {
        IsDataPlane = true, Parameters = [Parameters.Range, Parameters.IfRange, Parameters.IfNoneMatch],
        Also = [new(206, "The range.", Bytes("video/mp4"), Headers.ETag, Headers.ContentRange), new(304, "The client has it.", null, Headers.ETag)],
        Problems = [Problems.UnknownJob, Problems.NoOutput, Problems.RangeNotSatisfiable],
    };

    private static readonly OperationDoc _outputFile = _output with
    {
        Path = "/api/v1/jobs/{jobId}/output/{name}", Id = "getOutputFile", Summary = "A file beneath an HLS output's playlist", Problems = [.. _output.Problems, Problems.UnknownRoute],
    };

    public static FeatureDoc Feature { get; } = new("Jobs", "What is made of videos: their own processing, and transcodes that are asked for.",
    [
        new("POST", "/api/v1/videos/{videoId}/transcode", "createJob", "Transcode a video", new(201, "The job.", Json<JobBody>(Queued)))
        {
            Description = $"""
                Everything may be left out. `output_format` is one of {string.Join(", ", TranscodeFormats.Codecs.Keys.Order(StringComparer.Ordinal))}; `codec` one of {string.Join(", ", TranscodeFormats.AllCodecs)}, as far as the
                format and the workers have it; `resolution` 2160p to 240p, never above the source; `preset` ultrafast to veryslow; `priority` 0 to 10, 10 first. `dependsOn` is read as `depends_on` is.
                """,
            Parameters = [Parameters.IdempotencyKey], IsRequestOptional = true,
            Request = Json<TranscodeRequest>("""{"resolution":"1080p","output_format":"mp4","codec":"libx264","bitrate":5000000,"preset":"medium","priority":10}"""),
            Problems = [Problems.InvalidField, Problems.MalformedHeader, Problems.UnknownVideo, Problems.StateConflict, Problems.TooManyJobs, Problems.IdempotencyReused],
        },
        new("GET", "/api/v1/jobs", "listJobs", "The jobs of the account's videos; an admin's are all", new(200, "A page of jobs.", Json<JobsBody>($$"""{"jobs":[{{Running}}],{{Example.Next}}}""")))
        {
            Parameters =
            [
                Parameters.Query("status", "Only jobs of this status.", [.. Enum.GetValues<JobState>().Select(JobLifecycle.Table.NameOf)]),
                Parameters.Query("videoId", "Only this video's jobs.") with { Format = "uuid" }, .. Parameters.Paging,
            ],
            Problems = [Problems.InvalidField],
        },
        new("GET", "/api/v1/jobs/{jobId}", "getJob", "A job", new(200, "The job.", Json<JobBody>(Completed))) { Problems = [Problems.UnknownJob] },
        new("DELETE", "/api/v1/jobs/{jobId}", "deleteJob", "Remove a transcode job that has ended, with its output", new(204, "Removed.", null)) { Problems = [Problems.UnknownJob, Problems.StateConflict] },
        Move("cancel", "End a job; what runs is stopped", "Job cancelled"),
        Move("pause", "Stop a job; what it finished stays", "Job paused"),
        Move("resume", "Let a paused job go on", "Job resumed"),
        _output, _output.Head(), _outputFile, _outputFile.Head(),
    ]);

    private static OperationDoc Move(string verb, string summary, string done) =>
        new("POST", $$"""/api/v1/jobs/{jobId}/{{verb}}""", $"{verb}Job", summary, new(200, "Done, or so already.", Json<MessageBody>($$"""{"message":"{{done}}"}""")))
        { Problems = [Problems.UnknownJob, Problems.StateConflict] };
}
