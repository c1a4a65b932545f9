using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;
using Microsoft.Extensions.Options;
using Testing;

namespace Worker.Tests.Live;

/// <summary>Streams as the orchestrator leaves them to the workers, and what it does when they confirm.</summary>
internal static class LiveRows
{
    private static readonly StreamMoves _moves = new(Options.Create(new StreamOptions()));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>A provisioned stream that waits for its encoder.</summary>
    public static async Task<string> ProvisionAsync(this TestStore store, params string[] urls)
    {
        var id = $"live-{Guid.NewGuid():N}";
        var inputs = System.Text.Json.JsonSerializer.Serialize([new(urls[0].Split(':')[0], urls[0], urls.ElementAtOrDefault(1))], StreamJson.Default.IReadOnlyListIngestEndpoint);
        await store.QueryAsync(
            """
            insert into streams (id, title, start_time, ingest_endpoints, request_sha256, status, workflow_state, workflow_due, playback_at, video_id)
            values ($1, 'A match', now(), $2::jsonb, '\x00', 'PROVISIONING', 'AwaitLifecycleConfirmation', now() + interval '900 s', now(), $3)
            """, _ => 0, Ct, id, inputs, Guid.CreateVersion7());
        await store.QueryAsync("insert into live_sessions (stream_id, state, slots) values ($1, 'reserved', 1)", _ => 0, Ct, id);
        return id;
    }

    /// <summary>Waits for the encoder's confirmation, then tells READY as PublishReadyNotification does.</summary>
    public static async Task ReadyAsync(this TestStore store, string id, TimeSpan within)
    {
        await Poll.UntilAsync(async () => await store.StreamAsync(id, "confirmation") == "ready", within, "the encoder's confirmation");
        await store.TellReadyAsync(id);
    }

    public static async Task TellReadyAsync(this TestStore store, string id)
    {
        await using var transaction = await store.Database.BeginAsync(Ct);
        var stream = await StreamMoves.LockAsync(transaction, id, Ct);
        await _moves.MoveAsync(transaction, stream!, StreamTrigger.Readied, null, tells: true, Ct);
        await transaction.CommitAsync(Ct);
        await store.QueryAsync("update streams set workflow_state = 'WorkflowSucceeded', workflow_due = null where id = $1", _ => 0, Ct, id);
    }

    public static Task<string?> StreamAsync(this TestStore store, string id, string column) => FirstAsync(store, $"select {column}::text from streams where id = $1", id);

    public static Task<string?> SessionAsync(this TestStore store, string id, string column) => FirstAsync(store, $"select {column}::text from live_sessions where stream_id = $1", id);

    public static Task UntilStatusAsync(this TestStore store, string id, string status, TimeSpan within) =>
        Poll.UntilAsync(() => store.StreamAsync(id, "status"), seen => seen == status, within, $"status {status}");

    /// <summary>By sequence, then track.</summary>
    public static Task<List<ListedSegment>> SegmentsAsync(this TestStore store, string id) => store.QueryAsync(
        "select sequence, track, generation, object_key, duration, program_date_time, bytes, sha256 from live_segments where stream_id = $1 order by sequence, track",
        row => new ListedSegment(
            row.GetInt64(0), row.GetString(1), row.GetInt32(2), row.GetString(3), row.GetDouble(4), row.GetFieldValue<DateTimeOffset>(5), row.GetInt64(6), row.GetString(7)), Ct, id);

    public static Task UntilSegmentsAsync(this TestStore store, string id, int generation, int count, TimeSpan within) => Poll.UntilAsync(
        () => store.ScalarAsync<long>("select count(distinct sequence) from live_segments where stream_id = $1 and generation = $2", Ct, id, generation), seen => seen >= count, within,
        $"{count} segments of generation {generation}");

    private static async Task<string?> FirstAsync(TestStore store, string sql, string id) => (await store.QueryAsync(sql, row => row.IsDBNull(0) ? null : row.GetString(0), Ct, id)).Single();
}

internal sealed record ListedSegment(long Sequence, string Track, int Generation, string Key, double Duration, DateTimeOffset At, long Bytes, string Sha256)
{
    /// <summary>Of the lease that wrote it.</summary>
    public long Token => long.Parse(Key.Split('/')[2], System.Globalization.CultureInfo.InvariantCulture);
}
