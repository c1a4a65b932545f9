using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Workers;

/// <summary>Holds this process's <c>worker-N</c> for as long as its connection lives.</summary>
public sealed class WorkerIdentity(NpgsqlDataSource source) : IAsyncDisposable
{
    /// <summary>First key of the advisory locks; the second is the ordinal.</summary>
    private const int LockClass = 0x5650_57; // "VPW"

    /// <summary>No pool is larger; a bound for the search.</summary>
    private const int MaximumWorkers = 1024;

    /// <summary>The work loop and the beat both ask; a connection takes one command at a time.</summary>
    private readonly SemaphoreSlim _gate = new(1);
    private NpgsqlConnection? _connection;
    private int? _ordinal;

    public Guid Instance { get; } = Guid.CreateVersion7();

    /// <summary>The worker's id; asks for it anew when the connection was lost, and keeps the old ordinal if it is still free.</summary>
    public async Task<string> GetAsync(CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            return await TakeAsync(ct);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync();
        _gate.Dispose();
    }

    private async Task<string> TakeAsync(CancellationToken ct)
    {
        if (_connection is not null && await IsAliveAsync(_connection, ct))
        {
            return $"worker-{_ordinal}";
        }

        await ReleaseAsync();
        var connection = await source.OpenConnectionAsync(ct);
        try
        {
            _ordinal = await LockAsync(connection, ct);
            _connection = connection; // only now: one without the lock would pass for the identity
        }
        catch
        {
            await EndAsync(connection);
            throw;
        }

        return $"worker-{_ordinal}";
    }

    private async Task<int> LockAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        foreach (var ordinal in Enumerable.Range(0, MaximumWorkers).Prepend(_ordinal ?? 0))
        {
            if (await connection.ScalarAsync<bool>("select pg_try_advisory_lock($1, $2)", [LockClass, ordinal], ct))
            {
                return ordinal;
            }
        }

        throw new InvalidOperationException($"All {MaximumWorkers} worker ids are taken.");
    }

    private async Task ReleaseAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await EndAsync(connection);
        }
    }

    /// <summary>The session must end, or the pooled one would keep the lock.</summary>
    private async Task EndAsync(NpgsqlConnection connection)
    {
        source.Clear();
        await connection.DisposeAsync();
    }

    private static async Task<bool> IsAliveAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        try
        {
            return await connection.ScalarAsync<int>("select 1", [], ct) == 1;
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException) // the second where it is known to be closed
        {
            return false;
        }
    }
}
