using System.Text.Json;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>What stands in the database about streams, and what a worker would write there.</summary>
internal static class StreamRows
{
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Workers that never grow old.</summary>
    public static Task WorkersAsync(this TestStore store, int slots, int workers = 1) => store.QueryAsync(
        """
        insert into workers (id, instance, slots, last_seen) select 'worker-' || n, gen_random_uuid(), $1, now() + interval '1 day' from generate_series(0, $2 - 1) n
        on conflict (id) do update set slots = excluded.slots returning 1
        """, _ => 0, Ct, slots, workers);

    /// <summary>Status and state.</summary>
    public static async Task<string> SeenAsync(this TestStore store, string id) =>
        (await store.QueryAsync("select status || ' ' || workflow_state from streams where id = $1", row => row.GetString(0), Ct, id)).SingleOrDefault() ?? "none";

    public static Task<string> UntilAsync(this TestStore store, string id, string seen) => Poll.UntilAsync(() => store.SeenAsync(id), now => now == seen, Within, $"{id} to be {seen}");

    /// <summary>The way that its workflow took.</summary>
    public static async Task<string> StepsAsync(this TestStore store, string id) => string.Join(' ', await store.QueryAsync(
        "select state || coalesce(':' || outcome, '') from stream_steps where stream_id = $1 order by sequence", row => row.GetString(0), Ct, id));

    /// <summary>What lies in the outbox for listeners, each with its identity.</summary>
    public static Task<List<(Guid Id, JsonElement Body)>> OutboxAsync(this TestStore store, string id) => store.QueryAsync(
        "select message_id, body from outbox where exchange = 'stream.events' and convert_from(body, 'UTF8')::jsonb -> 'detail' ->> 'streamId' = $1 order by id",
        row => (row.GetGuid(0), JsonElement.Parse(row.GetFieldValue<byte[]>(1))), Ct, id);

    public static Task ExecuteAsync(this TestStore store, string sql, params object[] parameters) => store.QueryAsync(sql, _ => 0, Ct, parameters);

    /// <summary>As the encoder's first full set of segments does, but for the message: the poll finds it.</summary>
    public static Task ConfirmAsync(this TestStore store, string id, string confirmation, string? reason = null) => store.QueryAsync(
        "update streams set confirmation = $2, confirmation_reason = nullif($3, '') where id = $1 and confirmation is null returning 1", _ => 0, Ct, id, confirmation, reason ?? "");
}
