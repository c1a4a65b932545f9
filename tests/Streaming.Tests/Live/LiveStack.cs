using System.Data.Common;
using Npgsql;
using Streaming.Tests.Platform;
using Testing;

namespace Streaming.Tests.Live;

/// <summary>One test class's own database and bucket, replicas that show what is in them, and a cable between that can be cut.</summary>
public sealed class LiveStack(Servers servers) : IAsyncLifetime
{
    private readonly List<Replica> _replicas = [];

    public TestStore Store { get; private set; } = null!;

    public Cable Database { get; private set; } = null!;

    /// <summary>The replica of the class, with a window of 10 s.</summary>
    public Replica Replica { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Store = await servers.CreateStoreAsync(default);
        NpgsqlConnectionStringBuilder database = new(Store.ConnectionStrings["ConnectionStrings:videodb"]);
        Database = new(database.Host!, database.Port);
        Replica = await StartReplicaAsync();
    }

    /// <summary>A further replica, with its own settings: <c>Streaming:Live:Streams=2</c>.</summary>
    public async Task<Replica> StartReplicaAsync(params string[] settings)
    {
        DbConnectionStringBuilder database = new() { ConnectionString = Store.ConnectionStrings["ConnectionStrings:videodb"], ["Host"] = "127.0.0.1", ["Port"] = Database.Port };
        var replica = await Replica.StartAsync([
            "--environment", "Development",
            "--urls", "http://127.0.0.1:0",
            $"--ConnectionStrings:videodb={database.ConnectionString}",
            $"--ConnectionStrings:messaging={Store.ConnectionStrings["ConnectionStrings:messaging"]}",
            $"--ConnectionStrings:storage={Store.ConnectionStrings["ConnectionStrings:storage"]}",
            "--Logging:LogLevel:Default=Error",
            "--Streams:DvrSeconds=10",
            .. settings.Select(setting => "--" + setting)]);
        _replicas.Add(replica);
        return replica;
    }

    public Task<Broadcast> BeginAsync(string? entitlement = null, bool isOpen = true, string status = "LIVE") => Broadcast.BeginAsync(Store, entitlement, isOpen, status);

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        await Database.DisposeAsync();
        await Store.DisposeAsync();
    }
}
