using System.Data.Common;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Testing;

[assembly: AssemblyFixture(typeof(Servers))]

namespace Streaming.Tests.Platform;

/// <summary>One test class's own database and bucket, with a replica between cables that the tests can cut.</summary>
public sealed class Stack : IAsyncLifetime
{
    private readonly Servers _servers;
    private readonly Lazy<Task<SeededVideo>> _shared;
    private readonly List<Replica> _replicas = [];
    private string _bucket = "";
    private string _database = "";
    private Uri _broker = null!;
    private DbConnectionStringBuilder _storage = [];

    public Stack(Servers servers)
    {
        _servers = servers;
        _shared = new(() => Library.ReadyAsync());
    }

    public Library Library { get; private set; } = null!;

    public Cable Database { get; private set; } = null!;

    public Cable Broker { get; private set; } = null!;

    public StoreGate Store { get; private set; } = null!;

    /// <summary>The replica of the class.</summary>
    public Replica Replica { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _bucket = $"t{Guid.NewGuid():N}";
        NpgsqlConnectionStringBuilder database = new(await CreateDatabaseAsync(_bucket));
        _broker = new(_servers.RabbitMQ);
        _storage = new() { ConnectionString = _servers.Storage };
        Library = await Library.OpenAsync(database.ConnectionString, _broker, $"{_servers.Storage};Bucket={_bucket}");
        Database = new(database.Host!, database.Port);
        Broker = new(_broker.Host, _broker.Port);
        Store = await StoreGate.OpenAsync(new((string)_storage["Endpoint"]), _bucket);
        _database = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Host = "127.0.0.1", Port = Database.Port }.ConnectionString;
        Replica = await StartReplicaAsync();
    }

    /// <summary>A further replica, with its own settings: <c>Streaming:MemoryBytes=1048576</c>.</summary>
    public async Task<Replica> StartReplicaAsync(params string[] settings)
    {
        UriBuilder broker = new(_broker) { Host = "127.0.0.1", Port = Broker.Port };
        var replica = await Replica.StartAsync([
            "--environment", "Development",
            "--urls", "http://127.0.0.1:0",
            $"--ConnectionStrings:videodb={_database}",
            $"--ConnectionStrings:messaging={broker.Uri}",
            $"--ConnectionStrings:storage=Endpoint={Store.Address};AccessKey={_storage["AccessKey"]};SecretKey={_storage["SecretKey"]};Bucket={_bucket}",
            "--Logging:LogLevel:Default=Warning",
            .. settings.Select(setting => "--" + setting)]);
        _replicas.Add(replica);
        return replica;
    }

    /// <summary>One video for all tests of the class that only read.</summary>
    public Task<SeededVideo> SharedVideoAsync() => _shared.Value;

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        await Library.DisposeAsync();
        await Database.DisposeAsync();
        await Broker.DisposeAsync();
        await Store.DisposeAsync();
    }

    public async Task<string> CreateDatabaseAsync(string name)
    {
        await using var admin = NpgsqlDataSource.Create(_servers.Postgres);
        await using var create = admin.CreateCommand($"create database {name}");
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(_servers.Postgres) { Database = name }.ConnectionString;
    }
}

/// <summary>The production app on a port of its own.</summary>
public sealed class Replica : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Replica(WebApplication app)
    {
        _app = app;
        Address = new(app.Urls.First());
        Client = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    /// <summary>What it measures with; the replicas beside it have their own.</summary>
    public IMeterFactory Meters => _app.Services.GetRequiredService<IMeterFactory>();

    public static async Task<Replica> StartAsync(string[] args)
    {
        var app = Api.StreamingApi.Build(args);
        await app.StartAsync();
        return new(app);
    }

    public Task StopAsync() => _app.StopAsync();

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(method, path);
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        return await Client.SendAsync(request);
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, headers);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
