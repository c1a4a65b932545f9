using Lifecycle.Contracts.Messaging;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Database;
using Lifecycle.Store.Webhooks;
using Npgsql;

namespace Lifecycle.Store.Limiting;

/// <summary>What holds where an account has no quota of its own.</summary>
/// <param name="DefaultDailyLimit">Videos a day; 0: no quota.</param>
/// <param name="ResetHour">The hour, UTC, at which a day begins.</param>
public sealed record QuotaPolicy(int DefaultDailyLimit, int ResetHour)
{
    /// <summary>Of a process that takes no uploads.</summary>
    public static readonly QuotaPolicy None = new(0, 0);
}

/// <param name="Limit">Videos a day; 0: no quota.</param>
/// <param name="Used">Videos of this day, those on their way and the deleted ones included.</param>
/// <param name="ResetsAt">When the next day begins.</param>
public sealed record QuotaUse(int Limit, long Used, DateTimeOffset ResetsAt);

/// <summary>The account has had its videos of today.</summary>
/// <param name="userId">The account.</param>
/// <param name="use">Limit and reset.</param>
/// <param name="isFirst">The first refusal of the day, which has been told to others.</param>
public sealed class QuotaExceededException(Guid userId, QuotaUse use, bool isFirst) : Exception($"The quota of {use.Limit} videos a day is used up.")
{
    public Guid UserId => userId;

    public QuotaUse Use => use;

    public bool IsFirst => isFirst;
}

/// <summary>
/// How many videos an account may have accepted a day. What counts is the account's rows of the day, counted under the lock of the
/// account's row: an upload that fails deletes its row and so gives its place back, a deleted video keeps its row and its place.
/// </summary>
public sealed class Quotas(LifecycleDatabase database, QuotaPolicy policy)
{
    /// <summary>The day that holds the transaction's time; videos carry the same time. $2 is the hour at which it begins.</summary>
    private const string Day =
        "(select (date_trunc('day', now() at time zone 'UTC' - make_interval(hours => $2)) + make_interval(hours => $2)) at time zone 'UTC' as begins) day";

    /// <summary>The one place that says what counts. A partial upload (tus) is none: the video is made of several later.</summary>
    private const string Counted = "v.owner_id = u.id and not v.is_partial and v.created_at >= day.begins and v.created_at < day.begins + interval '24 hours'";

    private const string Use =
        $"""
        select coalesce(u.daily_quota, $3), (select count(*) from videos v where {Counted}), day.begins + interval '24 hours', u.quota_alerted_for is distinct from day.begins
        from users u, {Day} where u.id = $1
        """;

    /// <returns>Null when there is no such account.</returns>
    public async Task<QuotaUse?> UseAsync(Guid userId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return (await ReadAsync(connection, userId, ct))?.Use;
    }

    /// <summary>
    /// Lets one more video of the account into the transaction, which then inserts its row. Others of the account wait until it has
    /// committed. The account's lock comes before any video's.
    /// </summary>
    /// <exception cref="QuotaExceededException">The day's videos are used up. The transaction is committed: with the alert, if it was the day's first.</exception>
    internal async Task AdmitAsync(LifecycleTransaction transaction, Guid userId, CancellationToken ct)
    {
        // Without a quota nobody waits for anybody.
        if (await transaction.Connection.ScalarAsync<int>("select coalesce(daily_quota, $2) from users where id = $1", [userId, policy.DefaultDailyLimit], ct) == 0)
        {
            return;
        }

        await transaction.LockAccountAsync(userId, ct);
        if (await ReadAsync(transaction.Connection, userId, ct) is not { Use: { Limit: > 0 } use } read || use.Used < use.Limit)
        {
            return;
        }

        if (read.IsFirst)
        {
            await AlertAsync(transaction, userId, use, ct);
        }

        await transaction.CommitAsync(ct);
        throw new QuotaExceededException(userId, use, read.IsFirst);
    }

    /// <summary>Once for an account and a day: whoever is to hear of it hears of it from here, in the same transaction.</summary>
    private static async Task AlertAsync(LifecycleTransaction transaction, Guid userId, QuotaUse use, CancellationToken ct)
    {
        await transaction.Connection.ExecuteAsync("update users set quota_alerted_for = $2::timestamptz - interval '24 hours' where id = $1", [userId, use.ResetsAt.UtcDateTime], ct);
        await transaction.PublishAsync(new QuotaExceeded(userId, use.Limit, use.ResetsAt), ct);
        await WebhookOutbox.PublishAsync(transaction.Connection, userId, WebhookEvents.QuotaExceeded, new QuotaExceededData(use.Limit, use.ResetsAt), WebhookJson.Default.QuotaExceededData, ct);
    }

    private Task<Reading?> ReadAsync(NpgsqlConnection connection, Guid userId, CancellationToken ct) => connection.FirstAsync(
        Use, [userId, policy.ResetHour, policy.DefaultDailyLimit],
        row => new Reading(new(row.GetInt32(0), row.GetInt64(1), row.GetFieldValue<DateTimeOffset>(2)), row.GetBoolean(3)), ct);

    private sealed record Reading(QuotaUse Use, bool IsFirst);
}
