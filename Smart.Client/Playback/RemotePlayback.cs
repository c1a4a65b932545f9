using Storage.Fabric.Chunks;

namespace Smart.Client.Playback;

/// <summary>The playback that the dashboard's buttons start: shown nowhere, measured. One at a time; it ends with the service.</summary>
public sealed partial class RemotePlayback(SmartPlayer player, ILogger<RemotePlayback> logger) : IHostedService, IDisposable
{
    private readonly SemaphoreSlim _oneStarts = new(1);
    private readonly CancellationTokenSource _shutdown = new();
    private PlaybackSession? _session;
    private Task _playing = Task.CompletedTask;

    /// <summary>Takes the place of the one before it. Fails as <see cref="SmartPlayer.OpenAsync"/> does.</summary>
    public async Task PlayAsync(Guid videoId, CancellationToken ct)
    {
        await _oneStarts.WaitAsync(ct);
        try
        {
            var session = await player.OpenAsync(videoId, Pace.RealTime, ct);
            await EndAsync();
            _session = session;
            _playing = RunAsync(session);
        }
        finally
        {
            _oneStarts.Release();
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _shutdown.CancelAsync();
        await _playing;
    }

    public void Dispose()
    {
        _oneStarts.Dispose();
        _shutdown.Dispose();
    }

    private async Task EndAsync()
    {
        if (!_playing.IsCompleted)
        {
            _session?.Stop();
            await _playing;
        }
    }

    /// <summary>Never fails: nobody waits for it.</summary>
    private async Task RunAsync(PlaybackSession session)
    {
        await Task.Yield();
        using (session)
        {
            try
            {
                await session.PlayAsync(ChunkSinks.Nowhere, _shutdown.Token);
            }
            catch (OperationCanceledException) when (_shutdown.IsCancellationRequested)
            {
                // The service ends.
            }
            catch (ChunkUnavailableException exception)
            {
                Log.Ended(logger, session.VideoId, exception.Message);
            }
            catch (Exception exception)
            {
                Log.Failed(logger, exception, session.VideoId);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The playback of video {VideoId} ended early: {Reason}")]
        public static partial void Ended(ILogger logger, Guid videoId, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "The playback of video {VideoId} failed")]
        public static partial void Failed(ILogger logger, Exception exception, Guid videoId);
    }
}
