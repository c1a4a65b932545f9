using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Lifecycle.Store.Database;

/// <summary>Raw SQL with positional parameters ($1, $2, ...) on a connection, in its current transaction.</summary>
public static class Sql
{
    [SuppressMessage("Security", "CA2100", Justification = "Every caller passes a literal; values are parameters.")]
    public static NpgsqlCommand Command(this NpgsqlConnection connection, string sql, params ReadOnlySpan<object?> parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter ?? DBNull.Value });
        }

        return command;
    }

    public static async Task<int> ExecuteAsync(this NpgsqlConnection connection, string sql, object?[] parameters, CancellationToken ct)
    {
        await using var command = connection.Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The first column of the first row; default where there is no row or it is null.</summary>
    public static async Task<T?> ScalarAsync<T>(this NpgsqlConnection connection, string sql, object?[] parameters, CancellationToken ct)
    {
        await using var command = connection.Command(sql, parameters);
        return await command.ExecuteScalarAsync(ct) is T value ? value : default;
    }

    /// <summary>The first row, or default.</summary>
    public static async Task<T?> FirstAsync<T>(this NpgsqlConnection connection, string sql, object?[] parameters, Func<NpgsqlDataReader, T> map, CancellationToken ct)
    {
        await using var command = connection.Command(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? map(reader) : default;
    }

    public static async Task<List<T>> ListAsync<T>(this NpgsqlConnection connection, string sql, object?[] parameters, Func<NpgsqlDataReader, T> map, CancellationToken ct)
    {
        await using var command = connection.Command(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ListAsync(map, ct);
    }

    /// <summary>The rows of the present result.</summary>
    public static async Task<List<T>> ListAsync<T>(this NpgsqlDataReader reader, Func<NpgsqlDataReader, T> map, CancellationToken ct)
    {
        List<T> rows = [];
        while (await reader.ReadAsync(ct))
        {
            rows.Add(map(reader));
        }

        return rows;
    }

    /// <summary>The current transaction works elsewhere for minutes, and nobody waits for its locks: it is not ended for that, as others are.</summary>
    public static Task MayRestAsync(this NpgsqlConnection connection, CancellationToken ct) =>
        connection.ExecuteAsync("set local idle_in_transaction_session_timeout = '5min'", [], ct);

    public static T? GetNullable<T>(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? default : reader.GetFieldValue<T>(column);
}
