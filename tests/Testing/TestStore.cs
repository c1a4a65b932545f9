using Lifecycle.Store;
using Lifecycle.Store.Database;
using Lifecycle.Store.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using VideoPlatform.ServiceDefaults;

namespace Testing;

/// <summary>The production stores over a database and a bucket of one test class.</summary>
public sealed class TestStore : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private TestStore(ServiceProvider services, IReadOnlyDictionary<string, string?> connectionStrings)
    {
        _services = services;
        ConnectionStrings = connectionStrings;
    }

    /// <summary>As configuration of a service: <c>ConnectionStrings:videodb</c> and so on.</summary>
    public IReadOnlyDictionary<string, string?> ConnectionStrings { get; }

    public LifecycleDatabase Database => Get<LifecycleDatabase>();

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public static async Task<TestStore> CreateAsync(string postgres, string rabbitmq, string storage, CancellationToken ct)
    {
        Dictionary<string, string?> settings = new(StringComparer.Ordinal)
        {
            ["ConnectionStrings:videodb"] = postgres,
            ["ConnectionStrings:messaging"] = rabbitmq,
            ["ConnectionStrings:storage"] = storage,
        };
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.ClearProviders();
        builder.AddPostgres("videodb", connections: 20).AddRabbitMQ("messaging").AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));
        builder.Services.AddLifecycleStore();
        var services = builder.Services.BuildServiceProvider();
        await services.GetRequiredService<Migrations>().ApplyAsync(ct);
        await services.GetRequiredService<ObjectStore>().EnsureBucketAsync(ct);
        return new(services, settings);
    }

    /// <summary>Looks into the database behind the stores' backs; parameters are $1, $2, ...</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> map, CancellationToken ct, params object[] parameters)
    {
        await using var command = Database.Source.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new() { Value = parameter });
        }

        List<T> rows = [];
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            rows.Add(map(reader));
        }

        return rows;
    }

    public async Task<T> ScalarAsync<T>(string sql, CancellationToken ct, params object[] parameters) =>
        (await QueryAsync(sql, row => row.GetFieldValue<T>(0), ct, parameters)).Single();

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
