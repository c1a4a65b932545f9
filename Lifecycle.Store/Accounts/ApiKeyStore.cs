using Lifecycle.Store.Database;

namespace Lifecycle.Store.Accounts;

/// <param name="Shown">The key's beginning.</param>
public sealed record ApiKey(Guid Id, string Name, string Shown, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt);

/// <summary>The keys that users make beside their default one. Only SHA-256 hashes are kept: the keys are random, so a fast hash is enough.</summary>
public sealed class ApiKeyStore(LifecycleDatabase database)
{
    /// <summary>Keys of one account: more would be a leak, not a use.</summary>
    public const int MostPerUser = 50;

    private const string Columns = "id, name, shown, created_at, last_used_at";

    /// <returns>Null when the account has <see cref="MostPerUser"/> keys.</returns>
    public async Task<ApiKey?> CreateAsync(Guid userId, string name, byte[] hash, string shown, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        await transaction.LockAccountAsync(userId, ct);
        var key = await transaction.Connection.FirstAsync(
            $"""
            insert into api_keys (id, user_id, name, hash, shown) select $1, u.id, $3, $4, $5 from users u
            where u.id = $2 and (select count(*) from api_keys k where k.user_id = u.id) < $6
            returning {Columns}
            """, [Guid.CreateVersion7(), userId, name, hash, shown, (long)MostPerUser], Map, ct);
        await transaction.CommitAsync(ct);
        return key;
    }

    public async Task<IReadOnlyList<ApiKey>> ListAsync(Guid userId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync($"select {Columns} from api_keys where user_id = $1 order by id", [userId], Map, ct);
    }

    /// <returns>False when the account has no such key.</returns>
    public async Task<bool> RevokeAsync(Guid userId, Guid keyId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("delete from api_keys where id = $1 and user_id = $2", [keyId, userId], ct) == 1;
    }

    /// <summary>The account that a key stands for; notes its use, at most once a minute.</summary>
    public async Task<User?> FindUserAsync(byte[] hash, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            $"""
            with used as (update api_keys set last_used_at = now() where hash = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute'))
            select {UserStore.Columns} from users where id = (select user_id from api_keys where hash = $1)
            """, [hash], UserStore.Map, ct);
    }

    private static ApiKey Map(Npgsql.NpgsqlDataReader row) =>
        new(row.GetGuid(0), row.GetString(1), row.GetString(2), row.GetFieldValue<DateTimeOffset>(3), row.GetNullable<DateTimeOffset?>(4));
}
