using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Database;
using Lifecycle.Store.Objects;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lifecycle.Store.Live;

/// <summary>
/// Removes a finished stream's live objects, those of lost leases among them, and its rows of segments. Not before its recording is a READY video for a
/// while, or is no video and never will be. Objects go first: a crash between leaves rows, and the next pass does it again.
/// </summary>
public sealed partial class LiveSweeper(LifecycleDatabase database, ObjectStore objects, IOptions<StreamOptions> options, ILogger<LiveSweeper> logger)
{
    private const int Batch = 10;

    /// <summary>How long the pieces of a recording that did not become a video are kept: somebody may still want to put them together.</summary>
    private static readonly TimeSpan _keepUnmade = TimeSpan.FromDays(7);

    /// <summary>A worker that lost its lease stops writing at once, but for one upload that is on its way, or stopped with it: a second look finds that.</summary>
    private static readonly TimeSpan _again = TimeSpan.FromHours(1);

    public async Task PassAsync(CancellationToken ct)
    {
        for (var i = 0; i < Batch && await SweepNextAsync(ct); i++)
        {
        }
    }

    /// <returns>False where none is due.</returns>
    private async Task<bool> SweepNextAsync(CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var streamId = await transaction.Connection.ScalarAsync<string>(
            """
            select s.stream_id from live_sessions s join streams st on st.id = s.stream_id left join videos v on v.id = st.video_id
            where s.state = 'closed' and (s.sweeps = 1 and s.swept_at < now() - $3
                or s.sweeps = 0 and coalesce(st.ended_at, st.status_at) < now() - case
                        when v.state in ('READY', 'DELETED') or (v.id is null and s.recording_error is null) then $1 else $2 end
                    and (v.state is distinct from 'READY' or v.updated_at < now() - $1))
            order by s.created_at limit 1 for update of s skip locked
            """, [TimeSpan.FromSeconds(options.Value.KeepSeconds), _keepUnmade, _again], ct);
        if (streamId is null)
        {
            return false;
        }

        await transaction.Connection.MayRestAsync(ct);
        var keys = await objects.ListAsync(ObjectKeys.Stream(streamId), ct).Select(entry => entry.Key).ToListAsync(ct);
        await objects.DeleteAsync(keys, ct);
        foreach (var sql in (string[])["delete from live_segments where stream_id = $1", "delete from live_tracks where stream_id = $1", "delete from live_recordings where stream_id = $1",
            "update live_sessions set swept_at = now(), sweeps = sweeps + 1 where stream_id = $1"])
        {
            await transaction.Connection.ExecuteAsync(sql, [streamId], ct);
        }

        await transaction.CommitAsync(ct);
        Log.Swept(logger, streamId, keys.Count);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Swept live stream {StreamId}: {Removed} objects removed")]
        public static partial void Swept(ILogger logger, string streamId, int removed);
    }
}
