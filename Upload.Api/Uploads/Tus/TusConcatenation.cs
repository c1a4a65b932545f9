using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Uploads;
using Lifecycle.Store.Videos;
using Microsoft.Extensions.Options;
using Upload.Api.Accounts;
using Upload.Api.Uploads.Sessions;

namespace Upload.Api.Uploads.Tus;

/// <summary>
/// Makes a final upload of finished partial ones, in one request. The pieces are copied inside the store where S3's least part
/// allows it. They are given up in the transaction that makes the final upload COMPLETING, so that a request that dies before
/// it costs nothing, and one that is sent again after it finds what the first one made.
/// </summary>
internal sealed class TusConcatenation(
    SessionOpening opening, SessionCompletion completion, UploadSessions sessions, UploadStore uploads, UploadEnd end, PieceCopy copy, PartGate gate, FaultPoints faults, IOptions<UploadOptions> options, TimeProvider time)
{
    private static readonly TimeSpan _beat = TimeSpan.FromSeconds(10);

    /// <param name="caller">Owns all of it.</param>
    /// <param name="pieceIds">In order.</param>
    /// <param name="concat">The header as it was sent.</param>
    /// <param name="metadata">The header as it was sent.</param>
    /// <param name="fileName">From the metadata.</param>
    /// <param name="ct">The client's going away ends it: it sends the request again.</param>
    public async Task<OpenedSession> CreateAsync(Caller caller, IReadOnlyList<Guid> pieceIds, string concat, string? metadata, string? fileName, CancellationToken ct)
    {
        List<UploadSession> pieces = [];
        foreach (var id in pieceIds)
        {
            if (await sessions.FindAsync(id, ct) is not { Kind: UploadKind.Partial } piece || !caller.MayUse(piece.OwnerId))
            {
                return OpenedSession.Refused(Problems.UnknownUpload, $"/files/{id} is no partial upload.");
            }

            pieces.Add(piece);
        }

        if (pieces.Any(piece => !piece.IsOpen))
        {
            return await RepeatedAsync(pieces, concat, ct);
        }

        if (pieces.FirstOrDefault(piece => piece.Received < piece.TotalBytes) is { } unfinished)
        {
            return OpenedSession.Refused(Problems.UploadIncomplete, $"/files/{unfinished.Id} has {unfinished.Received} of {unfinished.TotalBytes} bytes.");
        }

        using var place = gate.TryEnter(); // what is copied through the server passes like a PATCH
        if (place is null)
        {
            return OpenedSession.Refused(Problems.Unavailable, "This server takes no more uploads at the moment.");
        }

        var opened = await opening.OpenAsync(new(caller.UserId, UploadKind.Final, fileName, pieces.Sum(piece => piece.TotalBytes), metadata, concat), ct);
        return opened.Session is { } session ? await MakeAsync(session, pieces, concat, ct) : opened;
    }

    private async Task<OpenedSession> MakeAsync(UploadSession session, List<UploadSession> pieces, string concat, CancellationToken ct)
    {
        var token = session.UploadToken ?? 0;
        var committed = false;
        try
        {
            await using Heartbeat beat = new(_beat, alive => uploads.RenewAsync(session.VideoId, token, alive), time);
            using var lasting = CancellationTokenSource.CreateLinkedTokenSource(ct, beat.Lost);
            var copied = await copy.RunAsync(session, pieces, lasting.Token);
            await faults.PassAsync(FaultPoint.TusConcatenated, CancellationToken.None);
            committed = copied && await sessions.ConcatenatedAsync(session, token, pieces, options.Value.SessionLife, lasting.Token);
        }
        finally
        {
            if (!committed)
            {
                await end.TakeApartAsync(session.VideoId, token); // nothing, where the commit came through and its answer was lost
            }
        }

        if (committed)
        {
            return await end.FinishAsync(session.VideoId, session.S3UploadId, session.TotalBytes) ? new(session with { Received = session.TotalBytes }, null) : OpenedSession.Refused(Problems.Unavailable);
        }

        // Another request with these pieces was faster.
        return await sessions.FindAsync(pieces[0].Id, ct) is { IsOpen: false } taken ? await RepeatedAsync([taken], concat, ct) : OpenedSession.Refused(Problems.Unavailable);
    }

    /// <summary>Some of the pieces are another upload's by now: this very request's, where that was made of the same ones.</summary>
    private async Task<OpenedSession> RepeatedAsync(List<UploadSession> pieces, string concat, CancellationToken ct)
    {
        if (await sessions.FindFinalAsync(pieces.First(piece => !piece.IsOpen).VideoId, ct) is not { } made || made.Concat != concat)
        {
            return OpenedSession.Refused(Problems.StateConflict, "A partial upload is part of another one already.");
        }

        var completed = await completion.CompleteAsync(made, ct);
        return completed.Problem is { } problem ? OpenedSession.Refused(problem, completed.Detail) : new(made, null);
    }
}
