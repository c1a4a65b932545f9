using Lifecycle.Contracts.Media;
using Microsoft.Extensions.Options;
using Storage.Fabric.Chunks;
using Streaming.Api.Segments;

namespace Streaming.Api.Edge;

/// <summary>What came of asking the nodes for a segment.</summary>
public enum EdgeRead
{
    Filled,

    /// <summary>S3 is to be asked.</summary>
    Failed,

    /// <summary>They were not asked: they have failed a moment ago.</summary>
    Skipped,

    /// <summary>The video has no edge copy.</summary>
    None,
}

/// <summary>
/// Segments from the chunk store's nodes, with S3 behind them. Pieces are verified by the manifest's checksums as they are read, and the whole by the
/// catalogue's before any of it is shown: a manifest is another service's word. An attempt has bounded time, and any failure leaves the fetch as it was.
/// </summary>
public sealed partial class EdgeTier : IDisposable
{
    /// <summary>Pieces of one segment on their way at a time.</summary>
    private const int ParallelPieces = 4;

    private readonly HttpClient _nodes = ChunkHttp.Create();
    private readonly MetadataClient? _metadata;
    private readonly ChunkReader _reader;
    private readonly EdgeCircuit _circuit;
    private readonly TimeSpan _readWithin;
    private readonly StreamingMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<EdgeTier> _logger;

    public EdgeTier(IOptions<EdgeOptions> options, StreamingMetrics metrics, TimeProvider time, ILogger<EdgeTier> logger)
    {
        if (options.Value.MetadataUrl is { Length: > 0 } address)
        {
            _metadata = MetadataClient.At(address, EdgeCopy.ReadWithin);
        }

        _reader = new(_nodes, time);
        _circuit = new(time);
        _readWithin = TimeSpan.FromSeconds(options.Value.ReadSeconds);
        (_metrics, _time, _logger) = (metrics, time, logger);
    }

    /// <summary>Null where there is no chunk store.</summary>
    public EdgeCopy? Open(Guid copyId)
    {
        if (_metadata is null)
        {
            return null;
        }

        EdgeCopy copy = new(copyId, _metadata, _time);
        copy.Prepare();
        return copy;
    }

    /// <summary>Fills the fetch with bytes that are the catalogue's, and shows none of them yet.</summary>
    /// <param name="isLastHope">S3 has failed: the nodes are asked even if they have failed a moment ago.</param>
    /// <exception cref="OperationCanceledException">Nobody waits any more.</exception>
    public async Task<EdgeRead> TryFillAsync(SegmentFetch fetch, bool isLastHope, CancellationToken ct)
    {
        if (fetch.Object.Edge is not { } segment)
        {
            return EdgeRead.None;
        }

        if (!_circuit.TryEnter() && !isLastHope)
        {
            return EdgeRead.Skipped;
        }

        using CancellationTokenSource deadline = new(_readWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            await FillAsync(fetch, segment, either.Token);
            _circuit.Succeeded();
            _metrics.EdgeObject();
            return EdgeRead.Filled;
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            // Whatever it is: S3 has the segment.
            _metrics.EdgeFailure();
            Log.NotRead(_logger, fetch.Object.Key, exception is OperationCanceledException ? "it took too long" : exception.Message);
            if (_circuit.Failed())
            {
                Log.LeftAlone(_logger);
            }

            return EdgeRead.Failed;
        }
    }

    public void Dispose() => _nodes.Dispose();

    private async Task FillAsync(SegmentFetch fetch, EdgeSegment segment, CancellationToken ct)
    {
        var manifest = await segment.Copy.ManifestAsync(ct);
        try
        {
            await ReadAsync(fetch, segment, manifest, ct);
        }
        catch (Exception exception) when (exception is ChunkUnavailableException or InvalidDataException)
        {
            // Chunks move. Where there is no newer manifest either, that is the failure.
            await ReadAsync(fetch, segment, await segment.Copy.NewerThanAsync(manifest, ct), ct);
        }
    }

    private async Task ReadAsync(SegmentFetch fetch, EdgeSegment segment, EdgeManifest manifest, CancellationToken ct)
    {
        EdgePlace place = new(new(fetch.Object.Key, fetch.Object.Bytes, fetch.Object.Sha256, ""), segment.First);
        await Parallel.ForEachAsync(Enumerable.Range(0, place.Count), new ParallelOptions { MaxDegreeOfParallelism = ParallelPieces, CancellationToken = ct }, async (piece, stop) =>
        {
            var (start, length) = place.PieceOf(piece);
            if (!manifest.Chunks.TryGetValue(place.First + piece, out var chunk) || chunk.SizeBytes != length)
            {
                throw new InvalidDataException($"chunk {place.First + piece} of the edge copy is not the catalogue's");
            }

            await fetch.PutAsync(start, await _reader.ReadAsync(chunk, stop), stop);
        });
        if (!await fetch.IsWholeAsync(ct))
        {
            throw new InvalidDataException("the chunks of the edge copy are not the catalogue's segment");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "{Key} was not read from the chunk store: {Reason}; S3 is asked")]
        public static partial void NotRead(ILogger logger, string key, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The chunk store has failed several times in a row and is left alone for a while")]
        public static partial void LeftAlone(ILogger logger);
    }
}
