using Lifecycle.Contracts;
using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Jobs;

internal static class DeadLetterDocs
{
    private const string Entry = $$"""
        "id":"{{Example.Entry}}","job_id":"{{Example.Job}}","video_id":"{{Example.Video}}","category":"media","reason":"The video stream cannot be decoded.","attempts":3,"failed_at":"2025-01-17T10:20:00Z"
        """;

    public static FeatureDoc Feature { get; } = new("Dead letters", "Jobs that failed for good, of the account's videos; an admin's are all.",
    [
        new("GET", "/api/v1/dlq", "listDeadLetters", "The entries", new(200, "A page of entries.", Json<DeadLettersBody>($$"""{"entries":[{{{Entry}}}],{{Example.Next}}}""")))
        { Parameters = Parameters.Paging, Problems = [Problems.InvalidField] },
        new("GET", "/api/v1/dlq/{entryId}", "getDeadLetter", "An entry, with the end of what ffmpeg said", new(200, "The entry.",
            Json<DeadLetterBody>($$"""{{{Entry}},"stderr_tail":"Error while decoding stream #0:0: Invalid data found when processing input"}"""))) { Problems = [Problems.UnknownDeadLetter] },
        new("POST", "/api/v1/dlq/{entryId}/retry", "retryDeadLetter", "Run the failed tasks again, with fresh attempts", new(200, "Queued; the entry is gone.",
            Json<MessageBody>("""{"message":"Job queued again"}"""))) { Problems = [Problems.UnknownDeadLetter] },
        new("DELETE", "/api/v1/dlq/{entryId}", "deleteDeadLetter", "Forget an entry", new(204, "Forgotten; the job stays failed.")) { Problems = [Problems.UnknownDeadLetter] },
    ]);
}
