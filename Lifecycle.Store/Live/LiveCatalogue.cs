using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Media;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Live;

/// <summary>What viewers get of live streams: reads only.</summary>
public sealed class LiveCatalogue(LifecycleDatabase database)
{
    private const string ContentType = "video/mp4";

    private const string StreamSql =
        """
        select s.status, s.playback_at is not null, s.entitlement, s.video_id, l.state, l.swept_at is not null, v.state
        from streams s left join live_sessions l on l.stream_id = s.id left join videos v on v.id = s.video_id where s.id = $1
        """;

    private const string SegmentsSql =
        """
        select sequence, track, generation, object_key, bytes, sha256, duration, program_date_time from live_segments
        where stream_id = $1 and sequence > $2 order by sequence, track
        """;

    private const string TracksSql =
        """
        select generation, track, kind, init_key, init_bytes, init_sha256, codecs, bandwidth, width, height, frame_rate from live_tracks
        where stream_id = $1 and generation > $2 order by generation, kind desc, bandwidth desc, track
        """;

    /// <summary>Goes back from the last segment, one look into the index for each: it costs what is wanted, however long the broadcast is.</summary>
    private const string StartSql =
        """
        with recursive back as (
            (select sequence, generation, duration as seconds from live_segments where stream_id = $1 order by sequence desc limit 1)
            union all
            select s.sequence, s.generation, back.seconds + s.duration from back cross join lateral (
                select sequence, generation, duration from live_segments where stream_id = $1 and sequence = back.sequence - 1 limit 1) s
            where back.seconds < $2)
        select sequence, generation, (select count(distinct generation)::int from live_tracks where stream_id = $1 and generation < back.generation)
        from back where seconds >= $2
        """;

    /// <summary>Where to begin reading to have the newest <paramref name="seconds"/> of a stream; the beginning where there are not so many.</summary>
    public async Task<LiveStart> StartAsync(string streamId, double seconds, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            StartSql, [streamId, seconds], row => new LiveStart(new(row.GetInt64(0) - 1, row.GetInt32(1) - 1), row.GetInt32(2)), ct) ?? LiveStart.Beginning;
    }

    /// <summary>The stream and what was added to it behind <paramref name="after"/>, in one round trip; null where there is no such stream.</summary>
    public async Task<LiveChanges?> ReadAsync(string streamId, LivePosition after, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);

        // The order matters, each sees at least what the one before saw: a stream that has ended has all its segments, a segment has its tracks.
        await using NpgsqlBatch batch = new(connection)
        {
            BatchCommands =
            {
                Command(StreamSql, streamId), Command(SegmentsSql, streamId, after.Sequence), Command(TracksSql, streamId, after.Generation),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
        {
            return null;
        }

        var stream = MapStream(reader);
        await reader.NextResultAsync(ct);
        var segments = await reader.ListAsync(MapSegment, ct);
        await reader.NextResultAsync(ct);
        return new(stream, segments, await reader.ListAsync(MapTrack, ct));
    }

    /// <summary>One object by its address; null where there is none, or none any more.</summary>
    public async Task<StoredObject?> FindAsync(string streamId, SegmentId id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return id.Index is { } sequence
            ? await connection.FirstAsync(
                "select object_key, bytes, sha256 from live_segments where stream_id = $1 and sequence = $2 and track = $3 and generation = $4",
                [streamId, (long)sequence, id.Track, id.Version], row => MapObject(row, 0), ct)
            : await connection.FirstAsync(
                "select init_key, init_bytes, init_sha256 from live_tracks where stream_id = $1 and generation = $2 and track = $3",
                [streamId, id.Version, id.Track], row => MapObject(row, 0), ct);
    }

    private static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object> parameters)
    {
        NpgsqlBatchCommand command = new(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new() { Value = parameter });
        }

        return command;
    }

    private static LiveStreamRow MapStream(NpgsqlDataReader row)
    {
        var status = StreamLifecycle.Table.Parse(row.GetString(0));
        var session = row.GetNullable<string>(4);
        return new(
            status, row.GetBoolean(1), row.GetNullable<string>(2), row.GetGuid(3),
            HasEnded: session is null ? StreamLifecycle.IsOver(status) : !LiveSessionLifecycle.HoldsSlots(LiveSessionLifecycle.Table.Parse(session)),
            IsSwept: row.GetBoolean(5),
            IsRecorded: row.GetNullable<string>(6) is { } video && VideoLifecycle.Table.Parse(video) == VideoState.Ready);
    }

    private static LiveSegmentRow MapSegment(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetInt32(2), MapObject(row, 3), row.GetDouble(6), row.GetDateTime(7));

    private static LiveTrackRow MapTrack(NpgsqlDataReader row) => new(
        row.GetInt32(0), row.GetString(1), row.GetString(2) == "video", MapObject(row, 3), row.GetString(6), row.GetInt32(7),
        row.GetNullable<int?>(8), row.GetNullable<int?>(9), row.GetNullable<double?>(10));

    private static StoredObject MapObject(NpgsqlDataReader row, int column) => new(row.GetString(column), row.GetInt64(column + 1), row.GetString(column + 2), ContentType);
}
