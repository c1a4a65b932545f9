using System.Net;
using Amazon.S3;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Uploads;
using Microsoft.Extensions.Options;

namespace Upload.Api.Uploads.Tus;

/// <summary>Brings the bytes of partial uploads, in order, into the final one's parts.</summary>
internal sealed class PieceCopy(UploadEnd end, TusLocks locks, ObjectStore objects, IOptions<UploadOptions> options)
{
    /// <summary>What the store copies in one request: it must answer within the client's 30 s.</summary>
    private const long RangeBytes = 64 << 20;

    private const int AtATime = 4;

    /// <returns>False when a piece is not in the store, or no longer.</returns>
    public async Task<bool> RunAsync(UploadSession session, IReadOnlyList<UploadSession> pieces, CancellationToken ct)
    {
        try
        {
            return await CopyAsync(session, pieces, ct);
        }
        catch (Exception exception) when (exception is FileNotFoundException or AmazonS3Exception { StatusCode: HttpStatusCode.NotFound })
        {
            return false;
        }
    }

    private async Task<bool> CopyAsync(UploadSession session, IReadOnlyList<UploadSession> pieces, CancellationToken ct)
    {
        foreach (var piece in pieces)
        {
            // The store fails the second of two completions of one upload at once: a request that was sent twice must not hear of it.
            await using var held = await locks.TakeAsync(piece.Id, ct);
            if (held is null || !await end.MakeWholeAsync(piece.VideoId, piece.S3UploadId, piece.TotalBytes, ct))
            {
                return false;
            }
        }

        var ranges = RangesOf(pieces);
        if (ranges.Count <= Limits.S3MaximumParts && ranges.SkipLast(1).All(range => range.Bytes >= Limits.S3MinimumPartBytes))
        {
            await Parallel.ForEachAsync(ranges.Index(), new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ct }, async (range, each) =>
                await objects.CopyPartAsync(ObjectKeys.Source(session.VideoId), session.S3UploadId!, range.Index + 1, range.Item.Key, range.Item.From, range.Item.Bytes, each));
            return true;
        }

        await using PiecesStream whole = new(objects, [.. pieces.Select(piece => ObjectKeys.Source(piece.VideoId))]);
        await using PartWriter writer = new(objects, ObjectKeys.Source(session.VideoId), session.S3UploadId!, options.Value.PartBytes(session.TotalBytes));
        using RunningDigest digest = new(sha512: false);
        await writer.WriteAsync(whole, digest, session.TotalBytes, ct);
        return digest.Bytes == session.TotalBytes;
    }

    /// <summary>Each piece in ranges of about one size, so that only a small piece makes a small range.</summary>
    private static List<(string Key, long From, long Bytes)> RangesOf(IReadOnlyList<UploadSession> pieces)
    {
        var most = Math.Max(RangeBytes, pieces.Sum(piece => piece.TotalBytes) / (Limits.S3MaximumParts / 2));
        List<(string Key, long From, long Bytes)> ranges = [];
        foreach (var piece in pieces)
        {
            var count = (piece.TotalBytes + most - 1) / most;
            for (var i = 0L; i < count; i++)
            {
                var (from, to) = (piece.TotalBytes * i / count, piece.TotalBytes * (i + 1) / count);
                ranges.Add((ObjectKeys.Source(piece.VideoId), from, to - from));
            }
        }

        return ranges;
    }
}

/// <summary>Objects one behind the other, read once.</summary>
internal sealed class PiecesStream(ObjectStore objects, IReadOnlyList<string> keys) : ForwardStream
{
    private int _next;
    private Stream? _current;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (_current is not null)
            {
                if (await _current.ReadAsync(buffer, cancellationToken) is var read and > 0)
                {
                    return read;
                }

                await _current.DisposeAsync();
                _current = null;
            }

            if (_next == keys.Count)
            {
                return 0;
            }

            _current = await objects.OpenReadAsync(keys[_next++], 0, cancellationToken) ?? throw new FileNotFoundException("A piece is missing from the store.");
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (_current is not null)
        {
            await _current.DisposeAsync();
        }

        await base.DisposeAsync();
    }
}
