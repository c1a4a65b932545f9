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
