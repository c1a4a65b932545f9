using System.Globalization;
using System.Security.Cryptography;
using Amazon.S3;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Uploads;
using Microsoft.AspNetCore.Http.Features;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads.Sessions;

/// <summary>Takes one part: the whole of it is read and checked before the store sees a byte, so that a wrong one replaces nothing.</summary>
public sealed class PartReceiver(UploadSessions sessions, ObjectStore objects, FaultPoints faults)
{
    public async Task<IResult> ReceiveAsync(HttpContext context, UploadSession session, int number, CancellationToken ct)
    {
        var request = context.Request;
        var bytes = session.BytesOfPart(number);
        if (!PartDigests.TryParse(request, out var digests))
        {
            return Problems.MalformedHeader.ToResult("Content-MD5 is the base64 of 16 bytes (RFC 1864), Content-Digest a dictionary of byte sequences (RFC 9530).");
        }

        if (request.ContentLength is { } length && length != bytes)
        {
            return WrongSize(number, bytes);
        }

        // Chunked framing counts as body, so the bytes are counted here.
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        using RunningChecks checks = new([HashAlgorithmName.MD5, .. digests.Content.Algorithms]);
        using PartBody body = new(bytes);
        PartStream source = new(request.Body);
        try
        {
            await body.FillAsync(source, checks, ct);
            if (!body.IsFull || await source.ReadAsync(new byte[1], ct) > 0)
            {
                return WrongSize(number, bytes);
            }
        }
        catch (BodyException exception)
        {
            return exception.Problem.ToResult(exception.Message);
        }

        return digests.Match(checks) ? await StoreAsync(context, session, number, body, Convert.ToHexStringLower(checks.Of(HashAlgorithmName.MD5)), ct) : Problems.DigestMismatch.ToResult();
    }

    private async Task<IResult> StoreAsync(HttpContext context, UploadSession session, int number, PartBody body, string etag, CancellationToken ct)
    {
        try
        {
            await objects.PutPartAsync(ObjectKeys.Source(session.VideoId), session.S3UploadId!, number, body.Open(), body.Length, ct);
        }
        catch (AmazonS3Exception exception) when (exception.ErrorCode == "NoSuchUpload")
        {
            return Problems.UnknownUpload.ToResult(); // aborted or completed meanwhile
        }

        await faults.PassAsync(FaultPoint.SessionPartStored, CancellationToken.None);
        if (await sessions.NotePartAsync(session.Id, number, body.Length, etag, ct) is not { } part)
        {
            return Problems.UnknownUpload.ToResult();
        }

        context.Response.Headers.ETag = $"\"{etag}\"";
        return TypedResults.Json(new PartAcceptedBody(part.Number, part.Bytes, part.ETag, true, part.UploadedAt), SessionJson.Default.PartAcceptedBody);
    }

    private static ProblemResult WrongSize(int number, int bytes) => Problems.InvalidField.ToResult(string.Create(CultureInfo.InvariantCulture, $"Part {number} has {bytes} bytes."));
}

/// <summary>What a part's headers promise of its bytes.</summary>
internal sealed record PartDigests(byte[]? Md5, DigestHeader Content)
{
    public static bool TryParse(HttpRequest request, out PartDigests digests)
    {
        digests = new(null, DigestHeader.None);
        byte[]? md5 = null;
        if (request.Headers.ContentMD5.ToString() is { Length: > 0 } text)
        {
            md5 = new byte[MD5.HashSizeInBytes];
            if (!Convert.TryFromBase64String(text, md5, out var written) || written != md5.Length)
            {
                return false;
            }
        }

        if (!DigestHeader.TryParse(request.Headers["Content-Digest"], out var content))
        {
            return false;
        }

        digests = new(md5, content);
        return true;
    }

    public bool Match(RunningChecks checks) => (Md5 is null || Md5.AsSpan().SequenceEqual(checks.Of(HashAlgorithmName.MD5))) && Content.Matches(checks);
}
