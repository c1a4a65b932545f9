using System.Text.Json;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Webhooks;

/// <param name="Events">By their keys (<c>job_started</c>); one that is absent is not wanted.</param>
/// <param name="DisabledReason">Why the platform switched it off; null: it did not.</param>
public sealed record Webhook(Guid Id, Guid OwnerId, string Url, IReadOnlyDictionary<string, bool> Events, bool IsActive, string? DisabledReason, DateTimeOffset CreatedAt);

/// <summary>What a change sets; null leaves a thing as it is.</summary>
/// <param name="Events">Merged into the ones that are there.</param>
/// <param name="Secret">Encrypted.</param>
public sealed record WebhookChange(string? Url, IReadOnlyDictionary<string, bool>? Events, byte[]? Secret, bool? IsActive);

/// <summary>The accounts' webhooks. Secrets come and go encrypted; only the dispatcher reads them.</summary>
public sealed class WebhookStore(LifecycleDatabase database, WebhookSignal signal)
{
    /// <summary>Of one account: every transition of its videos writes a row for each.</summary>
    public const int MostPerUser = 50;

    private const string Columns = "id, owner_id, url, events::text, is_active, disabled_reason, created_at";

    /// <returns>Null when the account has <see cref="MostPerUser"/> webhooks.</returns>
    public async Task<Webhook?> CreateAsync(Guid id, Guid ownerId, string url, IReadOnlyDictionary<string, bool> events, byte[] secret, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        await transaction.LockAccountAsync(ownerId, ct);
        var webhook = await connection.FirstAsync(
            $"""
            insert into webhooks (id, owner_id, url, events, secret) select $1, $2, $3, $4::jsonb, $5
            where (select count(*) from webhooks where owner_id = $2) < $6 returning {Columns}
            """, [id, ownerId, url, Text(events), secret, (long)MostPerUser], Map, ct);
        await transaction.CommitAsync(ct);
        return webhook;
    }

    public async Task<IReadOnlyList<Webhook>> ListAsync(Guid ownerId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync($"select {Columns} from webhooks where owner_id = $1 order by id", [ownerId], Map, ct);
    }

    public async Task<Webhook?> FindAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"select {Columns} from webhooks where id = $1", [id], Map, ct);
    }

    /// <summary>Changes it. One that is switched on again begins without failures, and what waited for it is sent.</summary>
    /// <returns>Null where it is gone.</returns>
    public async Task<Webhook?> ChangeAsync(Guid id, WebhookChange change, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        var changed = await connection.FirstAsync(
            $"""
            update webhooks set url = coalesce($2, url), events = events || coalesce($3::jsonb, jsonb_build_object()), secret = coalesce($4, secret), is_active = coalesce($5, is_active),
                failures = case when $5 and not is_active then 0 else failures end,
                failing_since = case when $5 and not is_active then null else failing_since end,
                disabled_reason = case when $5 is null then disabled_reason end
            where id = $1 returning {Columns}
            """, [id, change.Url, change.Events is { } events ? Text(events) : null, change.Secret, change.IsActive], Map, ct);
        signal.Set();
        return changed;
    }

    /// <summary>Deletes it with its deliveries.</summary>
    public async Task<bool> DeleteAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("delete from webhooks where id = $1", [id], ct) == 1;
    }

    private static string Text(IReadOnlyDictionary<string, bool> events) => JsonSerializer.Serialize(events, WebhookJson.Default.IReadOnlyDictionaryStringBoolean);

    private static Webhook Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetGuid(1), row.GetString(2), JsonSerializer.Deserialize(row.GetString(3), WebhookJson.Default.IReadOnlyDictionaryStringBoolean)!,
        row.GetBoolean(4), row.GetNullable<string>(5), row.GetFieldValue<DateTimeOffset>(6));
}
