using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Accounts;

/// <summary>What an account may do: an admin sees and changes everything.</summary>
public enum Role
{
    User,
    Admin,
}

/// <param name="ApiKeyVersion">1 for the first default key; part of what the key is derived from.</param>
public sealed record User(Guid Id, string Email, string PasswordHash, Role Role, int ApiKeyVersion)
{
    /// <summary>The tier of an account that nobody has put into another.</summary>
    public const string DefaultTier = "default";

    /// <summary>Names its rate limits in the configuration.</summary>
    public string Tier { get; init; } = DefaultTier;

    /// <summary>Videos a day; null: the configured default, 0: no quota.</summary>
    public int? DailyQuota { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>What an admin changes of an account; null leaves it as it is.</summary>
/// <param name="SetsDailyQuota">Whether <paramref name="DailyQuota"/> is meant: null is a value of it.</param>
public sealed record UserChange(Role? Role, string? Tier, bool SetsDailyQuota, int? DailyQuota);

public enum UserChangeOutcome
{
    Changed,

    /// <summary>There is no such account.</summary>
    Missing,

    /// <summary>It would take the caller's own role, or the caller has just lost it.</summary>
    NotAllowed,
}

/// <summary>The accounts. Addresses are compared without regard to case.</summary>
public sealed class UserStore(LifecycleDatabase database)
{
    internal const string Columns = "id, email, password_hash, role, api_key_version, tier, daily_quota, created_at";

    /// <returns>Null when the address has an account already.</returns>
    public async Task<User?> CreateAsync(string email, string passwordHash, Role role, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            $"insert into users (id, email, password_hash, role) values ($1, $2, $3, $4) on conflict (lower(email)) do nothing returning {Columns}",
            [Guid.CreateVersion7(), email, passwordHash, NameOf(role)], Map, ct);
    }

    public async Task<User?> FindAsync(string email, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"select {Columns} from users where lower(email) = lower($1)", [email], Map, ct);
    }

    public async Task<User?> FindAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"select {Columns} from users where id = $1", [id], Map, ct);
    }

    /// <summary>Newest first; a page begins below the last id of the one before.</summary>
    /// <param name="below">Null: from the newest.</param>
    public async Task<IReadOnlyList<User>> ListAsync(Guid? below, int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync($"select {Columns} from users where $1::uuid is null or id < $1 order by id desc limit $2", [below, most], Map, ct);
    }

    /// <summary>
    /// Changes an account for an admin. Who takes a role away holds the locks of all admins: two that take each other's are one
    /// behind the other, and the second is no admin any more. So there is always one left.
    /// </summary>
    public async Task<UserChangeOutcome> ChangeAsync(Guid callerId, Guid id, UserChange change, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (change.Role == Role.User)
        {
            var admins = await transaction.Connection.ListAsync("select id from users where role = $1 order by id for no key update", [NameOf(Role.Admin)], row => row.GetGuid(0), ct);
            if (id == callerId || !admins.Contains(callerId))
            {
                return UserChangeOutcome.NotAllowed;
            }
        }

        var changed = await transaction.Connection.ExecuteAsync(
            """
            update users set role = coalesce($2, role), tier = coalesce($3, tier), daily_quota = case when $4 then $5::integer else daily_quota end where id = $1
            """, [id, change.Role is { } role ? NameOf(role) : null, change.Tier, change.SetsDailyQuota, change.DailyQuota], ct);
        await transaction.CommitAsync(ct);
        return changed == 1 ? UserChangeOutcome.Changed : UserChangeOutcome.Missing;
    }

    /// <returns>False when the password is no longer the one that <paramref name="oldHash"/> was made of.</returns>
    public async Task<bool> ChangePasswordAsync(Guid id, string oldHash, string newHash, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("update users set password_hash = $3 where id = $1 and password_hash = $2", [id, oldHash, newHash], ct) == 1;
    }

    /// <summary>Revokes the default key: the next one is derived from the new version.</summary>
    public async Task<User?> RotateApiKeyAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"update users set api_key_version = api_key_version + 1 where id = $1 returning {Columns}", [id], Map, ct);
    }

    internal static string NameOf(Role role) => role == Role.Admin ? "admin" : "user";

    internal static User Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetString(1), row.GetString(2), row.GetString(3) == NameOf(Role.Admin) ? Role.Admin : Role.User, row.GetInt32(4))
    {
        Tier = row.GetString(5),
        DailyQuota = row.GetNullable<int?>(6),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(7),
    };
}
