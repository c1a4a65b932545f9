using Lifecycle.Store;
using Lifecycle.Store.Database;
using Lifecycle.Store.Faults;
using Microsoft.Extensions.Options;
using Npgsql;
using Storage.Metadata.Chunks;
using Storage.Metadata.Database;
using Storage.Metadata.Http;
using Storage.Metadata.Nodes;
using Storage.Metadata.Redundancy;
using Storage.Metadata.Repair;
using Storage.Metadata.Videos;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata;

/// <summary>The composition of the service: what Program runs, and tests and benches too.</summary>
public static class StorageMetadata
{
    /// <summary>Of one process; commits wait for the disk of Postgres, and do so side by side.</summary>
    private const int DatabaseConnections = 48;

    private static readonly TimeSpan _strayEvery = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan _reconcileEvery = TimeSpan.FromSeconds(5);

    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);

        // 1. What every service has, errors in seed 002's shape, and the database by connection name.
        builder.AddServiceDefaults(Outages.IsOutage).AddPostgres("storagedb", DatabaseConnections);
        var services = builder.Services;
        services.AddDetailErrors();
        services.AddSingleton(provider => new Migrations(provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<ILogger<Migrations>>(), typeof(StorageMetadata).Assembly));
        services.AddSingleton<ChunkDatabase>().AddSingleton<FaultPoints>().AddHostedService<SchemaInitializer>();

        // 2. Settings, checked at start.
        services.AddSingleton<IValidateOptions<MetadataOptions>, MetadataOptionsValidator>().AddSingleton<IValidateOptions<MetadataOptions>, MetadataOptionsRules>();
        services.AddOptions<MetadataOptions>().BindConfiguration(MetadataOptions.Section).ValidateOnStart();
        services.AddSingleton(provider => new NodeSecret(provider.GetRequiredService<IOptions<MetadataOptions>>().Value is { Open: false, NodeCredential: { } credential } ? credential : null));

        // 3. Nodes: who is there, and alive.
        services.AddSingleton<NodeRegistry>().AddSingleton<NodeDirectory>().AddSingleton<NodeClient>().AddSingleton<NodeProber>().AddSingleton<NodeAddresses>();
        services.AddDuty<NodeProber>("node probes", Every(settings => settings.ProbeSeconds), (prober, ct) => prober.PassAsync(ct));

        // 4. Videos and their chunks: consensus decides, Postgres records.
        services.AddSingleton<VideoStore>().AddSingleton<VideoDeletion>().AddSingleton<Deletions>().AddSingleton<ViewCounts>().AddSingleton<Manifests>();
        services.AddSingleton<DecisionStore>().AddSingleton<PlacementStore>().AddSingleton<AcceptorPeers>().AddSingleton<AcceptorGroups>().AddSingleton<ObjectChecks>();
        services.AddSingleton<ChunkHolders>().AddSingleton<ChunkCommits>().AddSingleton<Reconciliation>().AddSingleton<ConsensusStates>().AddSingleton<ChunkReads>();
        services.AddDuty<Reconciliation>("reconciliation", _reconcileEvery, (reconciliation, ct) => reconciliation.PassAsync(ct));
        services.AddDuty<VideoDeletion>("removal of strays", _strayEvery, (deletion, ct) => deletion.ForgetStrayAsync(ct));

        // 5. Copies: made anew where they are lost, converted, removed.
        services.AddSingleton<LeaderLock>().AddSingleton<RemovalQueue>().AddSingleton<ChunkCopies>().AddSingleton<Repairs>().AddSingleton<Audit>();
        services.AddSingleton<RedundancyStore>().AddSingleton<Conversions>();
        AddLed<Repairs>(services, "repair", (repairs, ct) => repairs.PassAsync(ct));
        AddLed<Audit>(services, "audit", (audit, ct) => audit.PassAsync(ct));
        AddLed<Conversions>(services, "conversion", (conversions, ct) => conversions.PassAsync(ct));
        services.AddDuty<RemovalQueue>("removal", Every(settings => settings.RepairSeconds), (removals, ct) => removals.PassAsync(ct));

        var app = builder.Build();
        app.UseServiceDefaults();
        app.UseAnyOrigin();

        // 6. Routes.
        app.MapService();
        app.MapVideos();
        app.MapDeletions();
        app.MapChunks();
        app.MapNodes();
        app.MapRedundancy();
        app.MapDefaultEndpoints();
        return app;
    }

    /// <summary>A duty that one replica at a time does.</summary>
    private static void AddLed<T>(IServiceCollection services, string name, Func<T, CancellationToken, Task> pass)
        where T : notnull => services.AddDuty<LedDuty<T>>(name, Every(settings => settings.RepairSeconds), (duty, ct) => duty.PassAsync(ct))
        .AddSingleton(provider => new LedDuty<T>(name, provider.GetRequiredService<LeaderLock>(), provider.GetRequiredService<T>(), pass));

    private static Func<IServiceProvider, TimeSpan> Every(Func<MetadataOptions, double> seconds) =>
        provider => TimeSpan.FromSeconds(seconds(provider.GetRequiredService<IOptions<MetadataOptions>>().Value));

    private sealed record LedDuty<T>(string Name, LeaderLock Leader, T Worker, Func<T, CancellationToken, Task> Pass)
    {
        public Task PassAsync(CancellationToken ct) => Leader.RunAsync(Name, within => Pass(Worker, within), ct);
    }
}
