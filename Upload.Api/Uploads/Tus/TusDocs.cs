using Lifecycle.Contracts;
using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.Parameters;

namespace Upload.Api.Uploads.Tus;

internal static class TusDocs
{
    private static readonly ParameterDoc _version = Header(TusHeaders.Resumable, $"{TusHeaders.Version}: the protocol's version.", required: true);

    private static readonly ParameterDoc _checksum = Header(TusHeaders.UploadChecksum, $"An algorithm ({TusHeaders.Algorithms}) and the base64 of the body's digest.");

    public static FeatureDoc Feature { get; } = new("tus", "Resumable uploads for clients of tus 1.0 (https://tus.io/protocols/resumable-upload). X-HTTP-Method-Override stands for a request's method.",
    [
        new("OPTIONS", "/files", "tusOptions", "What the server speaks", new(204, "In the headers.", null, "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm")) { Access = Access.Open },
        new("POST", "/files", "tusCreate", "Begin an upload", new(201, "Begun; with a body, its bytes count already.", null, Headers.Location, TusHeaders.Resumable, TusHeaders.UploadOffset, TusHeaders.UploadExpires, TusHeaders.VideoId))
        {
            Parameters =
            [
                _version, Header(TusHeaders.UploadLength, "The upload's size in bytes; not with a final upload."), Header(TusHeaders.UploadMetadata, "Keys with base64 values; filename is read."),
                Header(TusHeaders.UploadConcat, "partial; or final; and the addresses of the partial uploads that it is made of."), _checksum,
            ],
            Request = BodyDoc.Bytes(TusHeaders.OffsetOctetStream), IsRequestOptional = true,
            Problems =
            [
                Problems.EmptyFile, Problems.MalformedHeader, Problems.UnknownUpload, Problems.UploadIncomplete, Problems.StateConflict, Problems.PreconditionFailed, Problems.TooLarge,
                Problems.UnsupportedMediaType, Problems.QuotaExceeded, Problems.ChecksumMismatch, Problems.InsufficientStorage,
            ],
        },
        new("HEAD", "/files/{fileId}", "tusOffset", "How far an upload is", new(200, "In the headers.", null,
            TusHeaders.Resumable, TusHeaders.UploadOffset, TusHeaders.UploadLength, TusHeaders.UploadMetadata, TusHeaders.UploadConcat, TusHeaders.UploadExpires, TusHeaders.VideoId))
        { IsDataPlane = true, Parameters = [_version], Problems = [Problems.UnknownUpload, Problems.PreconditionFailed, Problems.UploadLocked] },
        new("PATCH", "/files/{fileId}", "tusAppend", "Append bytes; the last ones make the video", new(204, "Durable.", null, TusHeaders.Resumable, TusHeaders.UploadOffset, TusHeaders.UploadExpires, TusHeaders.VideoId))
        {
            IsDataPlane = true, Parameters = [_version, Header(TusHeaders.UploadOffset, "The upload's length so far.", required: true), _checksum],
            Request = BodyDoc.Bytes(TusHeaders.OffsetOctetStream),
            Problems =
            [
                Problems.MalformedHeader, Problems.Forbidden, Problems.UnknownUpload, Problems.OffsetConflict, Problems.PreconditionFailed, Problems.TooLarge, Problems.UnsupportedMediaType,
                Problems.UploadLocked, Problems.ChecksumMismatch,
            ],
        },
        new("DELETE", "/files/{fileId}", "tusTerminate", "Give an upload up", new(204, "Its bytes are gone.", null, TusHeaders.Resumable))
        { IsDataPlane = true, Parameters = [_version], Problems = [Problems.UnknownUpload, Problems.StateConflict, Problems.PreconditionFailed, Problems.UploadLocked] },
    ]);
}
