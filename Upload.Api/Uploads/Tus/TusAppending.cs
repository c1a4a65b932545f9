using Lifecycle.Contracts;
using Lifecycle.Store.Uploads;
using Microsoft.AspNetCore.Http.Features;
using Upload.Api.Uploads.Sessions;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads.Tus;

/// <summary>PATCH, and the first bytes that a creation brings.</summary>
internal sealed class TusAppending(UploadSessions sessions, TusLocks locks, TusWriter writer, PartGate gate)
{
    /// <summary>A checksummed PATCH is kept aside until it is known to be right; clients that send checksums send pieces of some MiB.</summary>
    private const long StagedBytes = 256 << 20;

    public async Task<IResult> PatchAsync(HttpContext context, UploadSession session, CancellationToken ct)
    {
        var request = context.Request;
        if (!HasOffsetType(request))
        {
            return Problems.UnsupportedMediaType.ToResult($"Content-Type: {TusHeaders.OffsetOctetStream}");
        }

        if (!TusHeaders.TryNumber(request, TusHeaders.UploadOffset, out var offset) || offset is null)
        {
            return Problems.MalformedHeader.ToResult($"{TusHeaders.UploadOffset} is needed: the upload's length so far.");
        }

        if (!TusHeaders.TryChecksum(request, out var checksum))
        {
            return Problems.MalformedHeader.ToResult($"{TusHeaders.UploadChecksum} is an algorithm ({TusHeaders.Algorithms}) and the base64 of its digest.");
        }

        if (session.Kind == UploadKind.Final)
        {
            return Problems.Forbidden.ToResult("A final upload takes no bytes of its own.");
        }

        using var place = gate.TryEnter();
        if (place is null)
        {
            return Problems.Unavailable.ToResult("This server takes no more uploads at the moment.", Problems.RetryAfterSeconds);
        }

        await using var held = session.IsOpen ? await locks.TakeAsync(session.Id, ct) : null;
        if (await sessions.FindAsync(session.Id, ct) is not { } now)
        {
            return Problems.UnknownUpload.ToResult();
        }

        if (offset != now.Received)
        {
            context.Response.Headers[TusHeaders.UploadOffset] = now.Received.ToString();
            return Problems.OffsetConflict.ToResult($"The offset is {now.Received}.");
        }

        if (held is null && now.IsOpen)
        {
            return Problems.UploadLocked.ToResult(retryAfterSeconds: Problems.RetryAfterSeconds);
        }

        return Answer(context.Response, now, await AppendAsync(context, now, held, checksum), StatusCodes.Status204NoContent);
    }

    /// <summary>The bytes that came with an upload's creation. Whatever becomes of them, it is created, and the offset says what counts.</summary>
    public async Task<IResult> FirstAsync(HttpContext context, UploadSession session, TusChecksum? checksum, CancellationToken ct)
    {
        using var place = gate.TryEnter();
        await using var held = place is null ? null : await locks.TakeAsync(session.Id, ct);
        var written = held is null ? new(0, null) : await AppendAsync(context, session, held, checksum);
        return Answer(context.Response, session, written.Problem == Problems.ChecksumMismatch ? written : written with { Problem = null }, StatusCodes.Status201Created);
    }

    public static bool HasOffsetType(HttpRequest request) => request.ContentType?.Split(';')[0].Trim().Equals(TusHeaders.OffsetOctetStream, StringComparison.OrdinalIgnoreCase) == true;

    private static IResult Answer(HttpResponse response, UploadSession session, TusWritten written, int status)
    {
        if (written.Problem is { } problem)
        {
            return problem.ToRefusal();
        }

        response.Headers[TusHeaders.UploadOffset] = written.Offset.ToString();
        TusRoutes.Describe(response, session with { Received = written.Offset });
        return TypedResults.StatusCode(status);
    }

    /// <param name="held">Null where the upload has all its bytes.</param>
    private async Task<TusWritten> AppendAsync(HttpContext context, UploadSession session, TusLock? held, TusChecksum? checksum)
    {
        var room = session.TotalBytes - session.Received;
        if (context.Request.ContentLength is { } length && length > room)
        {
            return new(session.Received, Problems.TooLarge);
        }

        if (held is null || room == 0)
        {
            return new(session.Received, null);
        }

        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null; // the bytes are counted
        return checksum is null ? await writer.WriteAsync(session, held, context.Request.Body) : await StagedAsync(context.Request, session, held, checksum);
    }

    private async Task<TusWritten> StagedAsync(HttpRequest request, UploadSession session, TusLock held, TusChecksum checksum)
    {
        if (request.ContentLength > StagedBytes)
        {
            return new(session.Received, Problems.TooLarge);
        }

        using RunningChecks checks = new(checksum.Algorithm);
        using PartBody staged = new(Math.Min(request.ContentLength ?? StagedBytes, session.TotalBytes - session.Received));
        ArrivingBody body = new(request.Body, held.Stop);
        await staged.FillAsync(body, checks, CancellationToken.None);
        if (staged.IsFull && await body.ReadAsync(new byte[1], CancellationToken.None) > 0)
        {
            return new(session.Received, Problems.TooLarge);
        }

        if (body.End != BodyEnd.Whole)
        {
            return new(session.Received, Problems.UploadLocked); // it cannot be checked, so nothing of it counts
        }

        return checks.Of(checksum.Algorithm).AsSpan().SequenceEqual(checksum.Digest)
            ? await writer.WriteAsync(session, held, staged.Open())
            : new(session.Received, Problems.ChecksumMismatch);
    }
}
