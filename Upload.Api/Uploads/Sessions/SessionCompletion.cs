using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Uploads;
using Microsoft.Extensions.Options;

namespace Upload.Api.Uploads.Sessions;

/// <summary>What came of completing a session.</summary>
/// <param name="VideoId">The video, when there is no problem.</param>
public readonly record struct CompletedSession(Guid VideoId, Problem? Problem, string? Detail = null)
{
    public static CompletedSession Refused(Problem problem, string? detail = null) => new(Guid.Empty, problem, detail);
}

/// <summary>
/// Turns a session whose parts are all there into a video, once: whoever makes it COMPLETING finishes it, all others wait for
/// that one, or for the recovery of one that died.
/// </summary>
public sealed class SessionCompletion(UploadSessions sessions, UploadEnd end, ObjectStore objects, IOptions<UploadOptions> options, TimeProvider time)
{
    /// <summary>Longer than a dead finisher's lease and the reaper's pass.</summary>
    private static readonly TimeSpan _waitFor = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(250);

    /// <summary>As many numbers as a message can name.</summary>
    private const int NamedParts = 20;

    public async Task<CompletedSession> CompleteAsync(UploadSession session, CancellationToken ct)
    {
        if (session.IsOpen)
        {
            // The store's list decides: a replica may have died between a part and its row.
            if (session.S3UploadId is { } s3Upload && await objects.ListPartsAsync(ObjectKeys.Source(session.VideoId), s3Upload, ct) is { } stored)
            {
                if (MissingOf(session, stored) is { Count: > 0 } missing)
                {
                    return CompletedSession.Refused(Problems.UploadIncomplete, Describe(missing));
                }

                if (await sessions.PartsSentAsync(session, stored, options.Value.SessionLife, ct) == MoveOutcome.Moved)
                {
                    return await end.FinishAsync(session.VideoId, s3Upload, session.TotalBytes) ? new(session.VideoId, null) : CompletedSession.Refused(Problems.Unavailable);
                }
            }
        }

        return await AwaitAsync(session.Id, ct);
    }

    private async Task<CompletedSession> AwaitAsync(Guid id, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < _waitFor)
        {
            switch (await sessions.FindAsync(id, ct))
            {
                case null:
                    return CompletedSession.Refused(Problems.UnknownUpload);
                case { State: VideoState.Uploading }:
                    return CompletedSession.Refused(Problems.Unavailable); // its parts went while we looked: a recovery that failed, or one that is just aborting it
                case { State: VideoState.Completing }:
                    await Task.Delay(_look, time, ct);
                    break;
                case { } session:
                    return new(session.VideoId, null);
            }
        }

        return CompletedSession.Refused(Problems.Unavailable);
    }

    private static List<int> MissingOf(UploadSession session, IReadOnlyList<UploadedPart> stored)
    {
        var sizes = stored.ToDictionary(part => part.Number, part => part.Bytes);
        return [.. Enumerable.Range(1, session.TotalParts).Where(number => !sizes.TryGetValue(number, out var bytes) || bytes != session.BytesOfPart(number))];
    }

    private static string Describe(List<int> missing) => missing.Count > NamedParts
        ? $"{missing.Count} parts are missing; the first are {string.Join(", ", missing.Take(NamedParts))}."
        : $"{missing.Count} parts are missing: {string.Join(", ", missing)}.";
}
