namespace Smart.Client.Playback;

/// <summary>The half of a playback that empties the buffer.</summary>
public sealed partial class PlaybackSession
{
    private static readonly TimeSpan _aWhile = TimeSpan.FromMinutes(1);

    private async Task HandOverAsync(ChunkSink sink, CancellationToken ct)
    {
        await GatherAsync(ct);
        await UnpausedAsync(ct);
        Start();
        var view = _isView ? _player.CountViewAsync(VideoId) : Task.CompletedTask; // beside the playback, which waits for nobody
        try
        {
            await HandOverAllAsync(sink, ct);
        }
        finally
        {
            await view;
        }
    }

    private async Task HandOverAllAsync(ChunkSink sink, CancellationToken ct)
    {
        var timeline = _state.Timeline;
        for (var index = _state.Span.First; index < _state.Span.End; index++)
        {
            await UntilDueAsync(ct);
            var bytes = await NextAsync(ct);
            await sink(new(index, timeline.StartOf(index), timeline.DurationOf(index), bytes), ct);
            _state.Playhead.Extend(timeline.StartOf(index + 1));
            _state.Changed.Set();
        }

        while (!_pace.IsUnbounded && _state.Playhead.Position < _state.End)
        {
            await WaitAsync(_state.Changed.Next, _state.End - _state.Playhead.Position, ct);
        }
    }

    private void Start()
    {
        lock (_lock)
        {
            _startupSeconds = _time.GetElapsedTime(_asked).TotalSeconds;
            _hasStarted = true;
            if (!_isPaused)
            {
                _state.Playhead.Run();
            }
        }

        Log.Started(_logger, VideoId, _startupSeconds);
    }

    /// <summary>Until there is enough to play on with.</summary>
    private async Task GatherAsync(CancellationToken ct)
    {
        while (true)
        {
            var change = _state.Changed.Next;
            if (_state.Buffer.IsComplete || (_state.Buffer.HasNext && _state.Buffer.End - _state.Playhead.Limit >= _levels.StartAt))
            {
                return;
            }

            await change.WaitAsync(ct);
        }
    }

    private async Task UnpausedAsync(CancellationToken ct)
    {
        while (true)
        {
            var change = _state.Changed.Next;
            if (!Volatile.Read(ref _isPaused))
            {
                return;
            }

            await change.WaitAsync(ct);
        }
    }

    /// <summary>Until the viewer is so near to the end of what was handed over that the next chunk is due.</summary>
    private async Task UntilDueAsync(CancellationToken ct)
    {
        while (true)
        {
            var change = _state.Changed.Next;
            await UnpausedAsync(ct);
            var early = _state.Playhead.Limit - _pace.AheadSeconds - _state.Playhead.Position;
            if (early <= 0)
            {
                return;
            }

            await WaitAsync(change, early, ct);
        }
    }

    /// <summary>The next chunk. Where the viewer reaches the end before it is there, that is one rebuffering, and it lasts until there is enough again.</summary>
    private async Task<byte[]> NextAsync(CancellationToken ct)
    {
        while (true)
        {
            var change = _state.Changed.Next;
            if (_state.Buffer.Take() is { } bytes)
            {
                return bytes;
            }

            var rest = _state.Playhead.Limit - _state.Playhead.Position;
            if (rest <= 0 && _state.Playhead.IsRunning)
            {
                Interlocked.Increment(ref _rebuffers);
                Log.Rebuffers(_logger, VideoId, _state.Playhead.Position);
                await GatherAsync(ct);
            }
            else
            {
                await WaitAsync(change, rest, ct);
            }
        }
    }

    /// <param name="seconds">Of the running playhead; while it stands only a change ends the wait.</param>
    private Task WaitAsync(Pulse.Change change, double seconds, CancellationToken ct)
    {
        // Rounded up: a timer that fires within the last millisecond would only be set again.
        var time = _state.Playhead.IsRunning ? TimeSpan.FromMilliseconds(Math.Ceiling(seconds * 1000)) : _aWhile;
        return change.WithinAsync(time, _time, ct);
    }
}
