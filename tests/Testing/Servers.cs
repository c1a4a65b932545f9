using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Npgsql;
using Xunit;

namespace Testing;

/// <summary>
/// Real Postgres, RabbitMQ and S3, started once for a test assembly by the local engine in a temporary folder on free ports.
/// Each test class takes a database and a bucket of its own from it (<see cref="CreateStoreAsync"/>).
/// </summary>
public sealed class Servers : IAsyncLifetime
{
    private static readonly TimeSpan _startWithin = TimeSpan.FromMinutes(2);

    private DistributedApplication? _application;

    public DistributedApplication Application => _application ?? throw new InvalidOperationException("The servers are not started.");

    public string Postgres { get; private set; } = "";

    public string RabbitMQ { get; private set; } = "";

    public string Storage { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { Args = ["--ephemeral"], DisableDashboard = true });
        var database = builder.AddPostgres("postgres").AddDatabase("testdb");
        var messaging = builder.AddRabbitMQ("messaging");
        var accessKey = builder.AddParameter("storage-access-key", "videoplatform");
        var secretKey = builder.AddParameter("storage-secret-key", new GenerateParameterDefault { MinLength = 22, Special = false }, secret: true);
        var minio = builder.AddContainer("minio", "minio/minio")
            .WithArgs("server", "/data")
            .WithEnvironment("MINIO_ROOT_USER", accessKey)
            .WithEnvironment("MINIO_ROOT_PASSWORD", secretKey)
            .WithHttpEndpoint(targetPort: 9000, name: "api")
            .WithHttpHealthCheck("/minio/health/ready", endpointName: "api");
        var storage = builder.AddConnectionString("storage", ReferenceExpression.Create($"Endpoint={minio.GetEndpoint("api")};AccessKey={accessKey};SecretKey={secretKey}"));

        _application = builder.Build();
        using CancellationTokenSource within = new(_startWithin);
        await _application.StartAsync(within.Token);
        foreach (var name in (string[])["testdb", "messaging", "minio"])
        {
            await _application.ResourceNotifications.WaitForResourceHealthyAsync(name, within.Token);
        }

        Postgres = await ConnectionStringAsync(database.Resource, within.Token);
        RabbitMQ = await ConnectionStringAsync(messaging.Resource, within.Token);
        Storage = await ConnectionStringAsync(storage.Resource, within.Token);
    }

    /// <summary>A fresh database and bucket with the lifecycle's schema.</summary>
    public async Task<TestStore> CreateStoreAsync(CancellationToken ct)
    {
        var name = $"t{Guid.NewGuid():N}";
        await using var admin = NpgsqlDataSource.Create(Postgres);
        await using var create = admin.CreateCommand($"create database {name}");
        await create.ExecuteNonQueryAsync(ct);
        NpgsqlConnectionStringBuilder database = new(Postgres) { Database = name };
        return await TestStore.CreateAsync(database.ConnectionString, RabbitMQ, $"{Storage};Bucket={name}", ct);
    }

    public async ValueTask DisposeAsync()
    {
        if (_application is not null)
        {
            await _application.StopAsync();
            await _application.DisposeAsync();
        }
    }

    private static async Task<string> ConnectionStringAsync(IResourceWithConnectionString resource, CancellationToken ct) =>
        await resource.GetConnectionStringAsync(ct) ?? throw new InvalidOperationException("The resource has no connection string.");
}
