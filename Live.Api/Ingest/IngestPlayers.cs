namespace Live.Api.Ingest;

/// <summary>
/// Which streams a worker plays from the ingest now. A broadcaster is let in behind the worker: the ingest keeps nothing, so what came before
/// it would be lost. Known only here, in the service that the ingest asks: after its restart a broadcaster waits in vain, once, and is let in then.
/// </summary>
internal sealed class IngestPlayers(TimeProvider time)
{
    /// <summary>The time in which another worker takes over from one that died; the ingest's netcall_timeout is longer.</summary>
    private static readonly TimeSpan _arrivesWithin = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Presence> _streams = new(StringComparer.Ordinal);

    public void Arrived(string streamId)
    {
        lock (_gate)
        {
            var presence = Of(streamId);
            presence.Players++;
            presence.Arrival.TrySetResult();
        }
    }

    /// <summary>Two overlap where a worker takes over: the stream is played until the last has left.</summary>
    public void Left(string streamId)
    {
        lock (_gate)
        {
            if (!_streams.TryGetValue(streamId, out var presence) || presence.Players == 0)
            {
                return; // it came before this process did
            }

            if (--presence.Players == 0)
            {
                presence.Arrival = NewArrival();
            }

            ForgetUnused(streamId, presence);
        }
    }

    /// <returns>False: none came in time.</returns>
    public async Task<bool> WaitAsync(string streamId, CancellationToken ct)
    {
        Presence presence;
        Task arrival;
        lock (_gate)
        {
            presence = Of(streamId);
            presence.Waiting++;
            arrival = presence.Arrival.Task;
        }

        try
        {
            await arrival.WaitAsync(_arrivesWithin, time, ct);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            lock (_gate)
            {
                presence.Waiting--;
                ForgetUnused(streamId, presence);
            }
        }
    }

    private Presence Of(string streamId)
    {
        if (!_streams.TryGetValue(streamId, out var presence))
        {
            _streams.Add(streamId, presence = new());
        }

        return presence;
    }

    private void ForgetUnused(string streamId, Presence presence)
    {
        if (presence is { Players: 0, Waiting: 0 })
        {
            _streams.Remove(streamId);
        }
    }

    private static TaskCompletionSource NewArrival() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Presence
    {
        public int Players { get; set; }

        public int Waiting { get; set; }

        public TaskCompletionSource Arrival { get; set; } = NewArrival();
    }
}
