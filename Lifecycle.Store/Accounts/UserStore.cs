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
public sealed record User(Guid Id, string Email, string PasswordHash, Role Role, int ApiKeyVersion);

/// <summary>The accounts. Addresses are compared without regard to case.</summary>
public sealed class UserStore(LifecycleDatabase database)
{
    internal const string Columns = "id, email, password_hash, role, api_key_version";

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

    /// <summary>Revokes the default key: the next one is derived from the new version.</summary>
    public async Task<User?> RotateApiKeyAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"update users set api_key_version = api_key_version + 1 where id = $1 returning {Columns}", [id], Map, ct);
    }

    internal static string NameOf(Role role) => role == Role.Admin ? "admin" : "user";

    internal static User Map(NpgsqlDataReader row) =>
        new(row.GetGuid(0), row.GetString(1), row.GetString(2), row.GetString(3) == NameOf(Role.Admin) ? Role.Admin : Role.User, row.GetInt32(4));
}
