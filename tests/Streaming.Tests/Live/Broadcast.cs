using System.Security.Cryptography;
using Lifecycle.Contracts.Media;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Database;
using Lifecycle.Store.Live;
using Lifecycle.Store.Objects;
using Testing;

namespace Streaming.Tests.Live;

/// <summary>One track's init or segment as an encoder makes it.</summary>
public sealed record Encoded(string Track, byte[] Bytes, double Seconds = 2);

/// <summary>A live stream from the other side: writes the rows and objects that the orchestrator and a worker would, in their transactions.</summary>
public sealed class Broadcast
{
    private const long LeaseToken = 7;

    private static readonly DateTime _start = new(2026, 11, 21, 12, 0, 0, DateTimeKind.Utc);

    private readonly TestStore _store;
    private readonly Dictionary<string, byte[]> _contents = new(StringComparer.Ordinal);
    private IReadOnlyList<(Encoded Init, string Key)> _connecting = [];
    private DateTime _clock = _start;

    private Broadcast(TestStore store, string id) => (_store, Id) = (store, id);

    public string Id { get; }

    public Guid VideoId { get; } = Guid.CreateVersion7();

    public int Generation { get; private set; }

    /// <summary>Media sequence numbers that are committed.</summary>
    public int Count { get; private set; }

    public string Path => $"/stream/{Id}";

    /// <summary>What was stored, by segment id.</summary>
    public IReadOnlyDictionary<string, byte[]> Contents => _contents;

    public static async Task<Broadcast> BeginAsync(TestStore store, string? entitlement, bool isOpen, string status, string? id = null, bool hasSession = true)
    {
        Broadcast broadcast = new(store, id ?? $"live-{Guid.NewGuid():N}-x");
        await using var connection = await store.Database.Source.OpenConnectionAsync();
        await connection.ExecuteAsync(
            """
            insert into streams (id, title, start_time, ingest_endpoints, request_sha256, status, workflow_state, playback_at, entitlement, video_id)
            values ($1, 'A title', now(), '[]', '\x00', $2, 'WorkflowSucceeded', case when $3 then now() end, $4, $5)
            """, [broadcast.Id, status, isOpen, entitlement, broadcast.VideoId], default);
        if (hasSession)
        {
            await connection.ExecuteAsync(
                "insert into live_sessions (stream_id, state, slots, lease_token, lease_until) values ($1, 'encoding', 1, $2, now() + interval '1 hour')", [broadcast.Id, LeaseToken], default);
        }

        return broadcast;
    }

    /// <summary>A new input connection, after the input was away for a while.</summary>
    /// <param name="away">Seconds.</param>
    /// <param name="tracks">480p, 240p and audio where nothing is said.</param>
    public Task ConnectAsync(double away = 0, params string[] tracks)
    {
        _clock += TimeSpan.FromSeconds(away);
        return ConnectWithAsync([.. (tracks.Length > 0 ? tracks : ["480p", "240p", "audio"]).Select(track => new Encoded(track, []))]);
    }

    public async Task ConnectWithAsync(params Encoded[] inits)
    {
        Generation++;
        List<(Encoded, string)> connecting = [];
        foreach (var init in inits)
        {
            connecting.Add((init, await PutAsync(new(Generation, init.Track, null), init.Bytes)));
        }

        _connecting = connecting;
    }

    /// <summary>Segments of so many seconds each, rows without bytes in the store.</summary>
    public async Task AddAsync(params double[] seconds)
    {
        foreach (var duration in seconds)
        {
            var tracks = await _store.QueryAsync("select track from live_tracks where stream_id = $1 and generation = $2", row => row.GetString(0), default, Id, Generation);
            var names = tracks.Count > 0 ? tracks : [.. _connecting.Select(track => track.Init.Track)];
            await AddAsync([.. names.Select(name => new Encoded(name, [], duration))]);
        }
    }

    /// <summary>One media sequence number: its objects, then its rows; the generation's first brings the tracks with it.</summary>
    public async Task AddAsync(IReadOnlyList<Encoded> segments)
    {
        List<string> keys = [];
        foreach (var segment in segments)
        {
            keys.Add(await PutAsync(new(Generation, segment.Track, Count), segment.Bytes));
        }

        await using var transaction = await _store.Database.BeginAsync(default);
        var connection = transaction.Connection;
        await connection.ExecuteAsync("select from live_sessions where stream_id = $1 for update", [Id], default);
        foreach (var (init, key) in _connecting)
        {
            var height = init.Track == "audio" ? 0 : int.Parse(init.Track.TrimEnd('p'));
            await connection.ExecuteAsync(
                """
                insert into live_tracks (stream_id, generation, track, kind, init_key, init_bytes, init_sha256, codecs, bandwidth, width, height, frame_rate)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                """,
                [Id, Generation, init.Track, height > 0 ? "video" : "audio", key, (long)init.Bytes.Length, Sha256(init.Bytes), height > 0 ? "avc1.64001e" : "mp4a.40.2",
                 height > 0 ? height * 3000 : 128_000, height > 0 ? height * 16 / 9 / 2 * 2 : null, height > 0 ? height : null, height > 0 ? 30.0 : null], default);
        }

        foreach (var (segment, key) in segments.Zip(keys))
        {
            await connection.ExecuteAsync(
                """
                insert into live_segments (stream_id, sequence, track, generation, object_key, bytes, sha256, duration, program_date_time) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                """,
                [Id, (long)Count, segment.Track, Generation, key, segment.Bytes.Length > 0 ? (long)segment.Bytes.Length : 25_000L, Sha256(segment.Bytes), segment.Seconds, _clock], default);
        }

        await connection.ExecuteAsync("update live_sessions set generation = $2 where stream_id = $1", [Id, Generation], default);
        await transaction.CommitAsync(default);
        _connecting = [];
        _clock += TimeSpan.FromSeconds(segments.Max(segment => segment.Seconds));
        Count++;
    }

    /// <summary>The broadcast is over, as whoever ends a stream ends it.</summary>
    public async Task EndAsync()
    {
        await using var transaction = await _store.Database.BeginAsync(default);
        Assert.NotNull(await StreamMoves.LockAsync(transaction, Id, default));
        await StreamMoves.EndSessionAsync(transaction, (await StreamMoves.LockSessionAsync(transaction, Id, default))!, default);
        await transaction.CommitAsync(default);
    }

    /// <summary>The recording is a video in this state.</summary>
    public Task RecordAsync(string state) => ExecuteAsync("insert into videos (id, state) values ($2, $1)", state, VideoId);

    /// <summary>What the sweeper does.</summary>
    public async Task SweepAsync()
    {
        await ExecuteAsync("delete from live_segments where stream_id = $1", Id);
        await ExecuteAsync("delete from live_tracks where stream_id = $1", Id);
        await ExecuteAsync("update live_sessions set swept_at = now() where stream_id = $1", Id);
    }

    private async Task ExecuteAsync(string sql, params object?[] parameters)
    {
        await using var connection = await _store.Database.Source.OpenConnectionAsync();
        await connection.ExecuteAsync(sql, parameters, default);
    }

    private async Task<string> PutAsync(SegmentId id, byte[] bytes)
    {
        var key = ObjectKeys.StreamOutput(Id, LeaseToken, id.ToString());
        if (bytes.Length > 0)
        {
            var file = System.IO.Path.GetTempFileName();
            await File.WriteAllBytesAsync(file, bytes);
            await _store.Get<ObjectStore>().PutFileAsync(key, file, "video/mp4", default);
            File.Delete(file);
            _contents[id.ToString()] = bytes;
        }

        return key;
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
