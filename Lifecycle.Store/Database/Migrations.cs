using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Lifecycle.Store.Database;

/// <summary>
/// Applies embedded <c>NNN_name.sql</c> files in order, forward only, under an advisory lock: any number of replicas may
/// start at once. A file that was applied must not change afterwards; its checksum is compared.
/// </summary>
/// <param name="scripts">Whose files; not given: the lifecycle's own.</param>
public sealed partial class Migrations(NpgsqlDataSource database, ILogger<Migrations> logger, Assembly? scripts = null)
{
    /// <summary>Any constant: it names this lock among the database's advisory locks.</summary>
    private const long AdvisoryLock = 0x56_50_4d_49_47; // "VPMIG"

    public async Task ApplyAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(connection, $"select pg_advisory_xact_lock({AdvisoryLock})", ct);
        await ExecuteAsync(connection, "create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now())", ct);
        var applied = await AppliedAsync(connection, ct);
        foreach (var (name, sql) in Scripts())
        {
            var checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql)));
            if (applied.TryGetValue(name, out var known))
            {
                if (known != checksum)
                {
                    throw new InvalidOperationException($"Migration {name} was changed after it had been applied. Restore the file and put the change into a new migration.");
                }

                continue;
            }

            await ExecuteAsync(connection, sql, ct);
            await using var record = new NpgsqlCommand("insert into schema_migrations (name, checksum) values ($1, $2)", connection) { Parameters = { new() { Value = name }, new() { Value = checksum } } };
            await record.ExecuteNonQueryAsync(ct);
            Log.MigrationApplied(logger, name);
        }

        await transaction.CommitAsync(ct);
    }

    private static async Task<Dictionary<string, string>> AppliedAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        Dictionary<string, string> applied = new(StringComparer.Ordinal);
        await using var command = new NpgsqlCommand("select name, checksum from schema_migrations", connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            applied.Add(reader.GetString(0), reader.GetString(1));
        }

        return applied;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    private IEnumerable<(string Name, string Sql)> Scripts()
    {
        var assembly = scripts ?? typeof(Migrations).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => char.IsAsciiDigit(n[0])).Order(StringComparer.Ordinal))
        {
            using StreamReader reader = new(assembly.GetManifestResourceStream(name)!);
            yield return (name, reader.ReadToEnd());
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Applied migration {Name}")]
        public static partial void MigrationApplied(ILogger logger, string name);
    }
}
