using System.Collections.Frozen;
using Storage.Fabric.Chunks;

namespace Streaming.Api.Edge;

/// <summary>Which chunks of a copy are a segment.</summary>
/// <param name="First">The sequence number of the first.</param>
public sealed record EdgeSegment(EdgeCopy Copy, int First);

/// <summary>The places of a copy's chunks, by sequence, as they were at a time.</summary>
public sealed record EdgeManifest(FrozenDictionary<int, ChunkPlace> Chunks, long ReadAt);

/// <summary>
/// A version's copy on the chunk store's nodes. Its manifest is read once and kept with the catalogue, so that a dead Storage.Metadata does not matter;
/// chunks move, so it is read anew after a while, beside the reads that use the old one.
/// </summary>
/// <param name="id">Of the video that the chunk store has it as.</param>
public sealed class EdgeCopy(Guid id, MetadataClient metadata, TimeProvider time)
{
    /// <summary>Less than the copies that a move leaves behind stay readable (Metadata:RemovalGraceSeconds).</summary>
    private static readonly TimeSpan _freshFor = TimeSpan.FromMinutes(5);

    /// <summary>Between two attempts where one has failed.</summary>
    private static readonly TimeSpan _retryAfter = TimeSpan.FromSeconds(5);

    /// <summary>That of a long video is tens of megabytes.</summary>
    internal static readonly TimeSpan ReadWithin = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private EdgeManifest? _manifest;
    private Task<EdgeManifest>? _reading;
    private long? _failedAt;

    public Guid Id => id;

    /// <summary>Begins to read the manifest: before the first segment is wanted, and before Storage.Metadata can be away. Whoever wants it hears how that ended.</summary>
    public void Prepare() => _ = Begin(manifest => manifest is null);

    /// <summary>At once, but for the first time.</summary>
    /// <exception cref="HttpRequestException">It was never read, and cannot be.</exception>
    public async ValueTask<EdgeManifest> ManifestAsync(CancellationToken ct)
    {
        var reading = Begin(manifest => manifest is null || time.GetElapsedTime(manifest.ReadAt) > _freshFor);
        return _manifest ?? await reading.WaitAsync(ct);
    }

    /// <summary>Not <paramref name="seen"/>, which has failed, but what is there now.</summary>
    /// <exception cref="HttpRequestException">There is nothing newer to be had.</exception>
    public Task<EdgeManifest> NewerThanAsync(EdgeManifest seen, CancellationToken ct) => Begin(manifest => manifest == seen).WaitAsync(ct);

    /// <summary>One read at a time, whoever asks; not on the asker's token, because it is everybody's.</summary>
    private Task<EdgeManifest> Begin(Func<EdgeManifest?, bool> isWanted)
    {
        lock (_gate)
        {
            if (_reading is { } running)
            {
                return running;
            }

            if (!isWanted(_manifest))
            {
                return Task.FromResult(_manifest!);
            }

            return _failedAt is { } failed && time.GetElapsedTime(failed) < _retryAfter
                ? Task.FromException<EdgeManifest>(new HttpRequestException("The edge copy's manifest could not be read a moment ago."))
                : _reading = Task.Run(ReadAsync);
        }
    }

    private async Task<EdgeManifest> ReadAsync()
    {
        EdgeManifest? read = null;
        try
        {
            using CancellationTokenSource within = new(ReadWithin, time);
            var readAt = time.GetTimestamp();
            var manifest = await metadata.ManifestAsync(id, within.Token) ?? throw new HttpRequestException("The chunk store has no such edge copy.");
            return read = new(manifest.Chunks.DistinctBy(chunk => chunk.Sequence).ToFrozenDictionary(chunk => chunk.Sequence), readAt);
        }
        catch (OperationCanceledException exception)
        {
            throw new HttpRequestException("The edge copy's manifest took too long.", exception);
        }
        finally
        {
            lock (_gate)
            {
                _manifest = read ?? _manifest;
                _failedAt = read is null ? time.GetTimestamp() : null;
                _reading = null;
            }
        }
    }
}
