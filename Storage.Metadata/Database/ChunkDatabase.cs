using Lifecycle.Store.Database;
using Npgsql;

namespace Storage.Metadata.Database;

/// <summary>Short statements with a connection each, and transactions.</summary>
public sealed class ChunkDatabase(NpgsqlDataSource source)
{
    public NpgsqlDataSource Source => source;

    public async Task<int> ExecuteAsync(string sql, object?[] parameters, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync(sql, parameters, ct);
    }

    public async Task<T?> ScalarAsync<T>(string sql, object?[] parameters, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<T>(sql, parameters, ct);
    }

    public async Task<T?> FirstAsync<T>(string sql, object?[] parameters, Func<NpgsqlDataReader, T> map, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(sql, parameters, map, ct);
    }

    public async Task<List<T>> ListAsync<T>(string sql, object?[] parameters, Func<NpgsqlDataReader, T> map, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await connection.ListAsync(sql, parameters, map, ct);
    }

    /// <summary>
    /// The statement once for each item, in one round trip and one transaction; it must give one row. In the order of their keys, so that two
    /// batches that want the same rows wait for each other, and not both ways.
    /// </summary>
    /// <returns>In the order of the items.</returns>
    public async Task<IReadOnlyList<TRow>> BatchAsync<TItem, TRow>(
        string sql, IReadOnlyList<TItem> items, Func<TItem, string> keyOf, Func<TItem, NpgsqlParameter[]> parametersOf, Func<NpgsqlDataReader, TItem, TRow> map, CancellationToken ct)
    {
        int[] order = [.. Enumerable.Range(0, items.Count).OrderBy(index => keyOf(items[index]), StringComparer.Ordinal)];
        await using var connection = await source.OpenConnectionAsync(ct);
        await using NpgsqlBatch batch = new(connection);
        foreach (var index in order)
        {
            NpgsqlBatchCommand command = new(sql);
            command.Parameters.AddRange(parametersOf(items[index]));
            batch.BatchCommands.Add(command);
        }

        var rows = new TRow[items.Count];
        await using var reader = await batch.ExecuteReaderAsync(ct);
        foreach (var index in order)
        {
            await reader.ReadAsync(ct);
            rows[index] = map(reader, items[index]);
            await reader.NextResultAsync(ct); // behind the last one it waits for the commit
        }

        return rows;
    }

    /// <summary>All of <paramref name="work"/> or nothing of it.</summary>
    public async Task<T> InTransactionAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var result = await work(connection);
        await transaction.CommitAsync(ct);
        return result;
    }
}
