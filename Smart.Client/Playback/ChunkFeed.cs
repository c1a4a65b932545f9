using System.Runtime.CompilerServices;
using Smart.Client.Buffering;
using Smart.Client.Downloads;
using Storage.Fabric;
using Storage.Fabric.Chunks;

namespace Smart.Client.Playback;

/// <summary>
/// Keeps a playback's buffer filled: chunks in order, several at a time, up to the target. The first one comes alone, because the viewer waits for it.
/// A chunk that no node gives is asked for again, by a new manifest: repair may have moved it.
/// </summary>
internal sealed partial class ChunkFeed(
    ChunkManifest manifest, PlaybackState state, ChunkDownloader downloader, MetadataClient metadata, SmartClientOptions options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(8);

    private readonly BufferLevels _levels = BufferLevels.Of(options);
    private readonly TimeSpan _giveUpAfter = TimeSpan.FromSeconds(options.GiveUpAfterSeconds);
    private int _inFlight;

    /// <exception cref="ChunkUnavailableException">A chunk could not be had for as long as the settings say.</exception>
    public Task FillAsync(CancellationToken ct) =>
        Parallel.ForEachAsync(WantedAsync(ct), new ParallelOptions { MaxDegreeOfParallelism = options.ConcurrentDownloads, CancellationToken = ct }, FetchAsync);

    /// <summary>The chunks in order, each when there is room for it.</summary>
    private async IAsyncEnumerable<int> WantedAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var isFilling = true;
        for (var index = state.Span.First; index < state.Span.End; index++)
        {
            while (true)
            {
                var change = state.Changed.Next;
                var ahead = state.Timeline.StartOf(index) - state.ConsumedTo;
                isFilling = _levels.ShouldFill(ahead, isFilling);
                if (isFilling && HasRoom() && (index != state.Span.First + 1 || state.Buffer.End >= state.Timeline.StartOf(index)))
                {
                    break;
                }

                var dueSeconds = isFilling ? 1 : Math.Clamp(ahead - _levels.RefillBelow, 0.01, 60);
                await change.WithinAsync(TimeSpan.FromSeconds(dueSeconds), time, ct);
            }

            Interlocked.Increment(ref _inFlight);
            yield return index;
        }
    }

    private bool HasRoom()
    {
        var inFlight = Volatile.Read(ref _inFlight);
        var held = state.Buffer.Bytes + ((long)inFlight * ChunkLimits.MostBytes);
        return held == 0 || held + ChunkLimits.MostBytes <= options.BufferBytes;
    }

    private async ValueTask FetchAsync(int index, CancellationToken ct)
    {
        var chunk = manifest.Chunks[index];
        var started = time.GetTimestamp();
        for (var pause = _firstPause; ; pause = pause * 2 < _longestPause ? pause * 2 : _longestPause)
        {
            try
            {
                state.Buffer.Put(index, await downloader.DownloadAsync(chunk, state.Downloads, ct));
                Interlocked.Decrement(ref _inFlight);
                state.Changed.Set();
                return;
            }
            catch (ChunkUnavailableException exception) when (time.GetElapsedTime(started) < _giveUpAfter)
            {
                Log.Unavailable(logger, manifest.VideoId, exception.Message, pause.TotalSeconds);
            }

            await Task.Delay(pause, time, ct);
            chunk = await PlaceOfAsync(chunk, ct);
        }
    }

    private async Task<ChunkPlace> PlaceOfAsync(ChunkPlace chunk, CancellationToken ct)
    {
        try
        {
            return (await metadata.ManifestAsync(manifest.VideoId, ct))?.Chunks.FirstOrDefault(now => now.ChunkId == chunk.ChunkId) ?? chunk;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return chunk; // the nodes that are known may come back
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Video {VideoId}: {Reason}; asked for again in {PauseSeconds} s")]
        public static partial void Unavailable(ILogger logger, Guid videoId, string reason, double pauseSeconds);
    }
}
