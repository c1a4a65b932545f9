using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using Npgsql;

namespace LocalHosting.Programs;

internal static class DatabaseCreation
{
    /// <summary>Creates the database when the server does not have it.</summary>
    public static async Task EnsureAsync(PostgresDatabaseResource database, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(await PostgresProbe.AdminConnectionStringAsync(database.Parent, ct));
        await connection.OpenAsync(ct);
        await using var exists = new NpgsqlCommand("select exists (select from pg_database where datname = $1)", connection)
        {
            Parameters = { new() { Value = database.DatabaseName } },
        };
        if (await exists.ExecuteScalarAsync(ct) is true)
            return;
        using var quote = new NpgsqlCommandBuilder();
#pragma warning disable CA2100 // A name cannot be a parameter of CREATE DATABASE; it is quoted.
        await using var create = new NpgsqlCommand($"create database {quote.QuoteIdentifier(database.DatabaseName)}", connection);
#pragma warning restore CA2100
        await create.ExecuteNonQueryAsync(ct);
    }
}
