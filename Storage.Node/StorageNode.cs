using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Storage.Node.Access;
using Storage.Node.Chunks;
using Storage.Node.Consensus;
using Storage.Node.Health;
using Storage.Node.Log.Files;
using Storage.Node.Log.Upkeep;
using Storage.Node.Registration;
using VideoPlatform.ServiceDefaults;

namespace Storage.Node;

/// <summary>The composition of the service: what Program runs, and tests and benches too.</summary>
public static class StorageNode
{
    /// <summary>Of the seed's first node.</summary>
    private const int DefaultPort = 8081;

    /// <param name="args">Settings.</param>
    /// <param name="diskOf">The files of the log in a folder; a test's own fail where it wants them to.</param>
    public static WebApplication Build(string[] args, Func<string, ILogDisk>? diskOf = null)
    {
        var builder = WebApplication.CreateBuilder(args);

        // 1. What every service has; errors as the seed wants them.
        builder.AddServiceDefaults(static _ => false);
        builder.Services.AddDetailErrors();

        // 2. Settings, checked at start.
        AddOptions(builder);

        // 3. The folder: open before the first request, closed after the last.
        builder.Services.AddSingleton(diskOf ?? (static folder => new FolderDisk(folder)));
        builder.Services.AddMetrics().AddSingleton<NodeMetrics>().AddSingleton<NodeStore>();
        builder.Services.AddHostedService(services => services.GetRequiredService<NodeStore>());
        builder.Services.AddHostedService<LogUpkeep>();
        builder.Services.AddHostedService<NodeRegistration>();
        builder.Services.AddHealthChecks().AddCheck<LogHealth>("log", tags: ["ready"]);

        // 4. Requests, and how many of them.
        builder.Services.AddSingleton<ChunkReading>().AddSingleton<ChunkStoring>().AddSingleton<ConsensusRoutes>().AddSingleton<HealthRoutes>();
        builder.Services.AddSingleton(services => new NodeSecret(services.GetRequiredService<IOptions<NodeOptions>>().Value.Credential));
        builder.Services.AddSingleton(services => new ReadBuffers(services.GetRequiredService<IOptions<NodeOptions>>().Value.ConcurrentReads));
        builder.Services.AddSingleton(services => new WriteBuffers(services.GetRequiredService<IOptions<NodeOptions>>().Value.ConcurrentWrites));
        builder.Services.AddOptions<KestrelServerOptions>()
            .Configure<IOptions<NodeOptions>>((kestrel, options) => kestrel.Limits.MaxConcurrentConnections = options.Value.Connections);

        var app = builder.Build();
        app.UseServiceDefaults();
        app.UseAnyOrigin();

        // 5. Routes.
        ChunkRoutes.Map(app);
        ConsensusRoutes.Map(app);
        HealthRoutes.Map(app);
        app.MapDefaultEndpoints();
        return app;
    }

    private static void AddOptions(WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        builder.Services.AddSingleton<IValidateOptions<NodeOptions>, NodeOptionsValidator>().AddSingleton<IValidateOptions<NodeOptions>, CredentialRule>();
        builder.Services.AddOptions<NodeOptions>().BindConfiguration(NodeOptions.Section).Configure(options =>
        {
            options.DataDir = configuration["DATA_DIR"] ?? (options.DataDir is { Length: > 0 } set ? set : configuration["STATE_DIRECTORY"] ?? "");
            options.NodeId = NullIfEmpty(configuration["NODE_ID"]) ?? options.NodeId;
            options.NodeUrl = NullIfEmpty(configuration["NODE_URL"]) ?? options.NodeUrl;
            options.MetadataServiceUrl = NullIfEmpty(configuration["METADATA_SERVICE_URL"]) ?? options.MetadataServiceUrl;
        }).ValidateOnStart();

        var port = configuration["PORT"];
        if (port is not null && !(int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= ushort.MaxValue))
        {
            throw new InvalidOperationException($"PORT is '{port}'; it is a port number from 1 to 65535, or 0 for any free one.");
        }

        // Addresses named in the framework's own way say more than the seed's PORT.
        if (string.IsNullOrEmpty(configuration["urls"]))
        {
            var host = builder.Environment.IsDevelopment() ? "127.0.0.1" : "*";
            builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://{host}:{port ?? DefaultPort.ToString(CultureInfo.InvariantCulture)}"));
        }
    }

    private static string? NullIfEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
