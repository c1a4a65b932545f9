using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Lifecycle.Store.Objects;

/// <summary>The bucket that everything lives in; from the connection string's <c>Bucket</c>, else <c>videoplatform</c>.</summary>
public sealed record Bucket(string Name);

/// <param name="Bytes">Size as the store has it.</param>
public readonly record struct ListedObject(string Key, long Bytes);

/// <param name="Number">1 to 10,000.</param>
public sealed record UploadedPart(int Number, string ETag, long Bytes);

/// <summary>
/// S3 as the platform uses it. Writes of outputs never replace an object; reads are ranged, because the SDK re-hashes a
/// plain GET's body in managed MD5.
/// </summary>
public sealed partial class ObjectStore(IAmazonS3 s3, Bucket bucket)
{
    /// <summary>One request's body: at 30 s a request (Clients.cs), a store that takes half a MiB a second is not yet away.</summary>
    private const int PartBytes = 16 << 20;

    /// <summary>Beyond it a file goes in parts: S3 takes 5 GiB in one PUT, and a request's timeout covers its whole body.</summary>
    private const long SinglePutBytes = 64L << 20;

    private static readonly TimeSpan _abortWithin = TimeSpan.FromSeconds(10);

    /// <summary>A download that brings nothing for so long has failed.</summary>
    public TimeSpan ReadWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Creates the bucket where it is missing.</summary>
    public async Task EnsureBucketAsync(CancellationToken ct)
    {
        try
        {
            await s3.PutBucketAsync(new PutBucketRequest { BucketName = bucket.Name }, ct);
        }
        catch (AmazonS3Exception exception) when (exception.ErrorCode is "BucketAlreadyOwnedByYou" or "BucketAlreadyExists")
        {
            // Another replica was first.
        }
    }

    /// <summary>The object's size in bytes, or null where there is none.</summary>
    public async Task<long?> SizeAsync(string key, CancellationToken ct)
    {
        try
        {
            return (await s3.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = bucket.Name, Key = key }, ct)).ContentLength;
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Writes a file as a new object. Keys carry lease tokens: an object that is there already is ours.</summary>
    public async Task PutFileAsync(string key, string path, string contentType, CancellationToken ct)
    {
        if (new FileInfo(path).Length > SinglePutBytes)
        {
            await PutPartsAsync(key, path, ct); // none of these is served: its type does not matter
            return;
        }

        try
        {
            await s3.PutObjectAsync(new PutObjectRequest
            {
                BucketName = bucket.Name,
                Key = key,
                FilePath = path,
                ContentType = contentType,
                IfNoneMatch = "*",
                UseChunkEncoding = false,
            }, ct);
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            // The SDK's own retry of a PUT whose answer was lost.
        }
    }

    /// <summary>Reads bytes <paramref name="from"/> to the end; the caller disposes the stream. Null where there is no object.</summary>
    public async Task<Stream?> OpenReadAsync(string key, long from, CancellationToken ct)
    {
        try
        {
            var response = await s3.GetObjectAsync(new GetObjectRequest { BucketName = bucket.Name, Key = key, ByteRange = new ByteRange($"bytes={from}-") }, ct);
            return response.ResponseStream;
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Writes an object into a file. False where there is no object.</summary>
    /// <exception cref="TimeoutException">The store sent nothing for <see cref="ReadWithin"/>: the SDK's own timeout ends with the headers.</exception>
    public async Task<bool> DownloadAsync(string key, string path, CancellationToken ct)
    {
        await using FileStream target = new(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.Asynchronous });
        return await CopyToAsync(key, target, ct);
    }

    /// <summary>Writes an object behind what is in the stream. False where there is no object.</summary>
    /// <exception cref="TimeoutException">The store sent nothing for <see cref="ReadWithin"/>.</exception>
    public async Task<bool> CopyToAsync(string key, Stream target, CancellationToken ct)
    {
        if (await OpenReadAsync(key, 0, ct) is not { } source)
        {
            return false;
        }

        await using (source)
        {
            await CopyAsync(source, target, ct);
        }

        return true;
    }

    /// <summary>All objects under a prefix.</summary>
    public async IAsyncEnumerable<ListedObject> ListAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        ListObjectsV2Request request = new() { BucketName = bucket.Name, Prefix = prefix };
        ListObjectsV2Response page;
        do
        {
            page = await s3.ListObjectsV2Async(request, ct);
            foreach (var entry in page.S3Objects ?? [])
            {
                yield return new(entry.Key, entry.Size ?? 0);
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
    }

    /// <summary>Removes objects; those that are gone already do not matter.</summary>
    public async Task DeleteAsync(IEnumerable<string> keys, CancellationToken ct)
    {
        // S3 takes at most 1,000 keys a request.
        foreach (var batch in keys.Chunk(1000))
        {
            await s3.DeleteObjectsAsync(new DeleteObjectsRequest { BucketName = bucket.Name, Objects = [.. batch.Select(key => new KeyVersion { Key = key })], Quiet = true }, ct);
        }
    }

    /// <summary>Begins a multipart upload; sources have no type of their own, the probe finds out what they are.</summary>
    public async Task<string> BeginUploadAsync(string key, CancellationToken ct) =>
        (await s3.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = bucket.Name, Key = key, ContentType = "application/octet-stream" }, ct)).UploadId;

    public async Task<UploadedPart> PutPartAsync(string key, string uploadId, int number, byte[] buffer, int bytes, CancellationToken ct)
    {
        using MemoryStream body = new(buffer, 0, bytes, writable: false);
        return await PutPartAsync(key, uploadId, number, body, bytes, ct);
    }

    /// <summary>Makes the object whole. Repeating it after a lost answer is success.</summary>
    /// <returns>False when the store has neither the upload nor the object.</returns>
    public async Task<bool> CompleteUploadAsync(string key, string uploadId, IReadOnlyList<UploadedPart> parts, CancellationToken ct)
    {
        try
        {
            await s3.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
            {
                BucketName = bucket.Name,
                Key = key,
                UploadId = uploadId,
                PartETags = [.. parts.OrderBy(part => part.Number).Select(part => new PartETag(part.Number, part.ETag))],
            }, ct);
            return true;
        }
        catch (AmazonS3Exception exception) when (exception.ErrorCode == "NoSuchUpload" || exception.StatusCode == HttpStatusCode.NotFound)
        {
            return await SizeAsync(key, ct) is not null;
        }
    }

    /// <summary>The parts that the store has of an upload; null where it has no such upload.</summary>
    public async Task<IReadOnlyList<UploadedPart>?> ListPartsAsync(string key, string uploadId, CancellationToken ct)
    {
        List<UploadedPart> parts = [];
        ListPartsRequest request = new() { BucketName = bucket.Name, Key = key, UploadId = uploadId };
        try
        {
            ListPartsResponse page;
            do
            {
                page = await s3.ListPartsAsync(request, ct);
                parts.AddRange((page.Parts ?? []).Select(part => new UploadedPart(part.PartNumber ?? 0, part.ETag, part.Size ?? 0)));
                request.PartNumberMarker = page.NextPartNumberMarker?.ToString();
            }
            while (page.IsTruncated == true);
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        return parts;
    }

    /// <summary>Aborts every upload of a key, known or not: a crash may have lost the id of one.</summary>
    public async Task AbortUploadsAsync(string key, CancellationToken ct)
    {
        foreach (var id in (await ListUploadsAsync(key, ct)).Where(upload => upload.Key == key).Select(upload => upload.Id))
        {
            await AbortUploadAsync(key, id, ct);
        }
    }

    /// <summary>Unfinished uploads under a prefix, at most S3's 1,000. MinIO lists those of an exact key only, and ends old ones itself.</summary>
    public async Task<IReadOnlyList<(string Key, string Id)>> ListUploadsAsync(string prefix, CancellationToken ct)
    {
        var listed = await s3.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = bucket.Name, Prefix = prefix }, ct);
        return [.. (listed.MultipartUploads ?? []).Select(upload => (upload.Key, upload.UploadId))];
    }

    /// <summary>Aborts one upload; one that is gone already does not matter.</summary>
    public async Task AbortUploadAsync(string key, string uploadId, CancellationToken ct)
    {
        try
        {
            await s3.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = bucket.Name, Key = key, UploadId = uploadId }, ct);
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            // Gone already.
        }
    }

    private async Task PutPartsAsync(string key, string path, CancellationToken ct)
    {
        await using FileStream file = new(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, BufferSize = 0, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
        var uploadId = await BeginUploadAsync(key, ct);
        try
        {
            List<UploadedPart> parts = [];
            var buffer = new byte[PartBytes];
            int bytes;
            while ((bytes = await file.ReadAtLeastAsync(buffer, PartBytes, throwOnEndOfStream: false, ct)) > 0)
            {
                parts.Add(await PutPartAsync(key, uploadId, parts.Count + 1, buffer, bytes, ct));
            }

            if (!await CompleteUploadAsync(key, uploadId, parts, ct))
            {
                throw new IOException($"The store lost the upload of {key}."); // aborted by somebody who holds the lease for dead
            }
        }
        catch
        {
            await TryAbortAsync(key, uploadId);
            throw;
        }
    }

    /// <summary>After a failure that is to be seen instead of this one's; the sweeper aborts what is left.</summary>
    private async Task TryAbortAsync(string key, string uploadId)
    {
        using CancellationTokenSource within = new(_abortWithin);
        try
        {
            await AbortUploadAsync(key, uploadId, within.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
        {
            // The sweeper's.
        }
    }

    private async Task CopyAsync(Stream source, Stream target, CancellationToken ct)
    {
        var buffer = new byte[1 << 20];
        while (true)
        {
            int read;
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            patience.CancelAfter(ReadWithin);
            try
            {
                read = await source.ReadAsync(buffer, patience.Token);
            }
            catch (Exception exception) when (patience.IsCancellationRequested && !ct.IsCancellationRequested)
            {
                throw new TimeoutException($"The store sent nothing for {ReadWithin.TotalSeconds:0} s.", exception);
            }

            if (read == 0)
            {
                return;
            }

            await target.WriteAsync(buffer.AsMemory(0, read), ct);
        }
    }
}
