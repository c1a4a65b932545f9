using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;
using Lifecycle.Store.Live;

namespace Live.Api.Ingest;

/// <summary>Who may publish a stream to the ingest, and who may play it from there. Keys are compared first: a stranger costs no query.</summary>
internal sealed partial class IngestGate(StreamKeys keys, PlayKeys playKeys, IngestPlayers players, LifecycleDatabase database, ILogger<IngestGate> logger)
{
    private static readonly string[] _open = [.. Enum.GetValues<LiveSessionState>().Where(LiveSessionLifecycle.HoldsSlots).Select(LiveSessionLifecycle.Table.NameOf)];

    /// <summary>Its owner, while an encoder is there for it; answered when that one listens, or will not in time.</summary>
    public async Task<bool> MayPublishAsync(IngestCall? call, CancellationToken ct)
    {
        if (call is null || !keys.Fits(call.StreamId, call.Key))
        {
            Log.WrongKey(logger);
            return false;
        }

        if (!await HasSessionAsync(call.StreamId, ct))
        {
            Log.NoSession(logger, call.StreamId);
            return false;
        }

        if (!await players.WaitAsync(call.StreamId, ct))
        {
            Log.NoListener(logger, call.StreamId); // what it sends now may be lost; to send it away would lose more
        }

        Log.Connected(logger, call.StreamId);
        return true;
    }

    /// <summary>Workers. Nothing is asked of the database, so that it may be away while a worker comes back to its stream.</summary>
    public bool MayPlay(IngestCall? call)
    {
        if (call is null || !playKeys.Fits(call.StreamId, call.Key))
        {
            return false;
        }

        players.Arrived(call.StreamId);
        return true;
    }

    public void PlayerHasLeft(IngestCall? call)
    {
        if (call is not null && playKeys.Fits(call.StreamId, call.Key))
        {
            players.Left(call.StreamId);
        }
    }

    /// <summary>Comes also of one who was second, and whom the RTMP server itself has sent away: it tells operators something, and changes nothing.</summary>
    public void HasLeft(IngestCall? call)
    {
        if (call is not null && keys.Fits(call.StreamId, call.Key))
        {
            Log.Left(logger, call.StreamId);
        }
    }

    private async Task<bool> HasSessionAsync(string streamId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<bool>("select exists (select from live_sessions where stream_id = $1 and state = any($2))", [streamId, _open], ct);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Stream {StreamId}: a broadcaster has connected to the ingest")]
        public static partial void Connected(ILogger logger, string streamId);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Stream {StreamId}: no worker listens yet; its broadcaster begins without")]
        public static partial void NoListener(ILogger logger, string streamId);

        [LoggerMessage(Level = LogLevel.Information, Message = "Stream {StreamId}: a broadcaster has left the ingest")]
        public static partial void Left(ILogger logger, string streamId);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The ingest refused a broadcaster: wrong key")]
        public static partial void WrongKey(ILogger logger);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Stream {StreamId}: the ingest refused its broadcaster: it has not begun yet, or is over")]
        public static partial void NoSession(ILogger logger, string streamId);
    }
}
