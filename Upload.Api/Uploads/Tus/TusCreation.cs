using Lifecycle.Contracts;
using Lifecycle.Store.Uploads;
using Microsoft.AspNetCore.Http.Features;
using Upload.Api.Accounts;
using Upload.Api.Uploads.Sessions;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads.Tus;

/// <summary>POST to <c>/files</c>.</summary>
internal sealed class TusCreation(SessionOpening opening, TusAppending appending, TusConcatenation concatenation)
{
    public async Task<IResult> CreateAsync(HttpContext context, Caller caller, CancellationToken ct)
    {
        var request = context.Request;
        if (!TusHeaders.TryMetadata(request, out var metadata, out var fileName))
        {
            return Problems.MalformedHeader.ToResult($"{TusHeaders.UploadMetadata} is a list of keys with base64 values.");
        }

        if (!TusHeaders.TryConcat(request, out var concat))
        {
            return Problems.MalformedHeader.ToResult($"{TusHeaders.UploadConcat} is partial, or final; and at most {TusHeaders.MostPieces} different addresses of /files with spaces between them.");
        }

        if (!TusHeaders.TryNumber(request, TusHeaders.UploadLength, out var length) || request.Headers.ContainsKey(TusHeaders.DeferLength))
        {
            return Problems.MalformedHeader.ToResult($"{TusHeaders.UploadLength} is the upload's size in bytes; {TusHeaders.DeferLength} is not supported.");
        }

        if (!TusHeaders.TryChecksum(request, out var checksum))
        {
            return Problems.MalformedHeader.ToResult($"{TusHeaders.UploadChecksum} is an algorithm ({TusHeaders.Algorithms}) and the base64 of its digest.");
        }

        if (concat?.Pieces is { } pieces)
        {
            return length is null
                ? Answer(context, await concatenation.CreateAsync(caller, pieces, request.Headers[TusHeaders.UploadConcat].ToString(), metadata, fileName, ct))
                : Problems.MalformedHeader.ToResult($"A final upload has no {TusHeaders.UploadLength} of its own.");
        }

        if (length is not { } bytes)
        {
            return Problems.MalformedHeader.ToResult($"{TusHeaders.UploadLength} is needed.");
        }

        if (bytes == 0)
        {
            return Problems.EmptyFile.ToResult();
        }

        var brings = request.ContentLength is > 0 || (request.ContentLength is null && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true);
        if (brings && !TusAppending.HasOffsetType(request))
        {
            return Problems.UnsupportedMediaType.ToResult($"Content-Type: {TusHeaders.OffsetOctetStream}, or no body.");
        }

        var kind = concat is null ? UploadKind.Tus : UploadKind.Partial;
        var opened = await opening.OpenAsync(new(caller.UserId, kind, fileName, bytes, metadata, concat is null ? null : "partial"), ct);
        return opened.Session is { } session && brings ? await FirstAsync(context, session, checksum, ct) : Answer(context, opened);
    }

    private Task<IResult> FirstAsync(HttpContext context, UploadSession session, TusChecksum? checksum, CancellationToken ct)
    {
        context.Response.Headers.Location = $"/files/{session.Id}";
        return appending.FirstAsync(context, session, checksum, ct);
    }

    private static IResult Answer(HttpContext context, OpenedSession opened)
    {
        if (opened.Session is not { } session)
        {
            return opened.Problem!.ToRefusal(opened.Detail);
        }

        context.Response.Headers.Location = $"/files/{session.Id}";
        TusRoutes.Describe(context.Response, session);
        return TypedResults.StatusCode(StatusCodes.Status201Created);
    }
}
