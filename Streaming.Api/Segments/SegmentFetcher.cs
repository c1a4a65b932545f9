using System.Diagnostics;
using System.Security.Cryptography;
using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Microsoft.Extensions.Options;
using Streaming.Api.Edge;

namespace Streaming.Api.Segments;

/// <summary>
/// Reads one object into a <see cref="SegmentFetch"/>, checked against the catalogue's checksum: from the chunk store's nodes where the video has an
/// edge copy there, and from S3 otherwise or where that fails: within bounds of time and tries, going on where a broken read stopped.
/// </summary>
public sealed partial class SegmentFetcher(
    ObjectStore objects, EdgeTier edge, IOptions<StreamingOptions> options, StreamingMetrics metrics, TimeProvider time, ILogger<SegmentFetcher> logger) : IDisposable
{
    private const int Tries = 3;

    /// <summary>The most that is read at once; readers hear of each read.</summary>
    private const int Step = 128 * 1024;

    /// <summary>Waiting for a turn and for the first byte; all tries together end before the gateway's 10 s do.</summary>
    private static readonly TimeSpan _openWithin = TimeSpan.FromSeconds(3);

    /// <summary>A store that sends nothing for so long is taken for dead.</summary>
    private static readonly TimeSpan _stepWithin = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _firstDelay = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _turns = new(options.Value.ConcurrentFetches);

    /// <summary>Fills the fetch and checks it. Its readers may have all but the last bytes when this returns.</summary>
    /// <exception cref="FetchFailedException">The object could not be had.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits any more.</exception>
    public async Task FillAsync(SegmentFetch fetch, CancellationToken ct)
    {
        if (!await _turns.WaitAsync(_openWithin, ct))
        {
            throw new FetchFailedException(FetchFailure.Unavailable, "Too many objects are being read from the store.");
        }

        using var activity = StreamingMetrics.Source.StartActivity("segment fetch");
        activity?.SetTag("object.key", fetch.Object.Key).SetTag("object.bytes", fetch.Object.Bytes);
        var began = time.GetTimestamp();
        metrics.FetchBegun();
        var good = false;
        try
        {
            fetch.Allocate();
            var tried = await edge.TryFillAsync(fetch, isLastHope: false, ct);
            if (tried != EdgeRead.Filled)
            {
                await FillFromStoreAsync(fetch, tried == EdgeRead.Skipped, ct);
            }

            good = true;
        }
        finally
        {
            _turns.Release();
            metrics.FetchEnded(time.GetElapsedTime(began), good);
            activity?.SetStatus(good ? ActivityStatusCode.Ok : ActivityStatusCode.Error);
        }
    }

    public void Dispose() => _turns.Dispose();

    private async Task FillFromStoreAsync(SegmentFetch fetch, bool mayAskEdge, CancellationToken ct)
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            await ReadAllAsync(fetch, hash, ct);
            if (!fetch.IsExpected(hash.GetHashAndReset()))
            {
                throw Corrupt(fetch, "its checksum is not the catalogue's");
            }

            metrics.StoreObject();
        }
        catch (FetchFailedException) when (mayAskEdge)
        {
            if (await edge.TryFillAsync(fetch, isLastHope: true, ct) != EdgeRead.Filled)
            {
                throw;
            }
        }
    }

    private async Task ReadAllAsync(SegmentFetch fetch, IncrementalHash hash, CancellationToken ct)
    {
        long read = 0;
        var delay = _firstDelay;
        for (var attempt = 1; ; attempt++)
        {
            var before = read;
            try
            {
                await foreach (var soFar in ReadFromAsync(fetch, read, hash, ct))
                {
                    read = soFar;
                }

                return;
            }
            catch (Exception exception) when (IsOutage(exception) && !ct.IsCancellationRequested)
            {
                if (read > before)
                {
                    (attempt, delay) = (1, _firstDelay); // a store that breaks off but goes on is not down
                }

                if (attempt >= Tries)
                {
                    throw new FetchFailedException(FetchFailure.Unavailable, $"The store is away: {exception.Message}", exception);
                }

                Log.Retrying(logger, fetch.Object.Key, read, attempt, exception.Message);
            }

            await Task.Delay(delay, time, ct);
            delay *= 2;
        }
    }

    /// <summary>Yields how much of the object was read, counted from its start.</summary>
    private async IAsyncEnumerable<long> ReadFromAsync(SegmentFetch fetch, long read, IncrementalHash hash, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(_openWithin);
        var size = fetch.Object.Bytes;
        await using var source = await objects.OpenReadAsync(fetch.Object.Key, read, patience.Token)
            ?? throw new FetchFailedException(FetchFailure.Missing, $"The store has no object {fetch.Object.Key}.");
        var buffer = fetch.Memory ?? new byte[Step];
        while (read < size)
        {
            patience.CancelAfter(_stepWithin);
            var room = buffer.AsMemory(fetch.Memory is null ? 0 : (int)read, (int)Math.Min(Step, size - read));
            var count = await source.ReadAsync(room, patience.Token);
            if (count == 0)
            {
                throw new HttpIOException(HttpRequestError.ResponseEnded, "The store's answer ended early.");
            }

            if (fetch.File is { } file)
            {
                await RandomAccess.WriteAsync(file, room[..count], read, ct);
            }

            hash.AppendData(room.Span[..count]); // nothing may fail between here and the yield: a retry must not hash a byte twice
            read += count;
            if (read < size)
            {
                fetch.Advance(read);
            }

            yield return read;
        }

        if (await source.ReadAsync(new byte[1], patience.Token) != 0)
        {
            throw Corrupt(fetch, "it is longer than the catalogue says");
        }
    }

    private FetchFailedException Corrupt(SegmentFetch fetch, string how)
    {
        Log.Corrupt(logger, fetch.Object.Key, how);
        return new(FetchFailure.Unavailable, $"Object {fetch.Object.Key} is corrupt: {how}.");
    }

    private static bool IsOutage(Exception exception) => exception is OperationCanceledException || (exception is not FetchFailedException && (Outages.IsOutage(exception) || exception is IOException));

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Reading {Key} stopped at byte {Position}, try {Attempt}: {Reason}")]
        public static partial void Retrying(ILogger logger, string key, long position, int attempt, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Object {Key} is not what the catalogue says: {How}; it is not served")]
        public static partial void Corrupt(ILogger logger, string key, string how);
    }
}
