using Amazon.S3.Model;

namespace Lifecycle.Store.Objects;

/// <summary>What resumable uploads need beside it: parts from streams, parts from objects, and small objects that are written anew.</summary>
public sealed partial class ObjectStore
{
    /// <summary>Puts a part of a multipart upload; the one put last with its number counts.</summary>
    /// <param name="key">The object.</param>
    /// <param name="uploadId">The multipart upload.</param>
    /// <param name="number">1 to 10,000.</param>
    /// <param name="body">Seekable: a failed request is sent again. It may be disposed.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="ct">Ends it early.</param>
    public async Task<UploadedPart> PutPartAsync(string key, string uploadId, int number, Stream body, long bytes, CancellationToken ct)
    {
        var response = await s3.UploadPartAsync(new UploadPartRequest
        {
            BucketName = bucket.Name,
            Key = key,
            UploadId = uploadId,
            PartNumber = number,
            InputStream = body,
            PartSize = bytes,
            UseChunkEncoding = false,
        }, ct);
        return new(number, response.ETag, bytes);
    }

    /// <summary>Copies a range of another object as a part, inside the store.</summary>
    /// <param name="from">First byte of the source.</param>
    /// <param name="bytes">S3's bounds hold: at least 5 MiB but for the last part, at most 5 GiB.</param>
    public async Task<UploadedPart> CopyPartAsync(string key, string uploadId, int number, string sourceKey, long from, long bytes, CancellationToken ct)
    {
        var response = await s3.CopyPartAsync(new CopyPartRequest
        {
            SourceBucket = bucket.Name,
            SourceKey = sourceKey,
            DestinationBucket = bucket.Name,
            DestinationKey = key,
            UploadId = uploadId,
            PartNumber = number,
            FirstByte = from,
            LastByte = from + bytes - 1,
        }, ct);
        return new(number, response.ETag, bytes);
    }

    /// <summary>Writes an object in one request.</summary>
    /// <param name="body">Seekable: a failed request is sent again. It may be disposed.</param>
    public Task PutAsync(string key, Stream body, CancellationToken ct) => s3.PutObjectAsync(new PutObjectRequest
    {
        BucketName = bucket.Name,
        Key = key,
        InputStream = body,
        ContentType = "application/octet-stream",
        UseChunkEncoding = false,
    }, ct);
}
