using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using Smart.Client.Dashboard;
using Smart.Client.Downloads;
using Smart.Client.Network;
using Smart.Client.Playback;
using Storage.Fabric.Chunks;
using VideoPlatform.ServiceDefaults;

namespace Smart.Client;

/// <summary>The compositions of the client: the dashboard's service, the console's player, and the player for other programs.</summary>
public static class SmartClient
{
    public const int DashboardPort = 8888;

    /// <summary>Of a call to the metadata service.</summary>
    private static readonly TimeSpan _metadataWithin = TimeSpan.FromSeconds(10);

    /// <summary>The player with its dashboard.</summary>
    /// <param name="args">Settings, <c>--Section:Name=value</c>.</param>
    /// <param name="time">The clock of everything; default: the system's.</param>
    public static WebApplication Build(string[] args, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateBuilder(args);

        // 1. What every service has; errors as seed 002 writes them.
        builder.AddServiceDefaults(static exception => exception is HttpRequestException);
        builder.Services.AddDetailErrors();

        // 2. The player.
        builder.Services.AddSmartClient();
        if (time is not null)
        {
            builder.Services.AddSingleton(time);
        }

        // 3. Its history and its remote control.
        builder.Services.AddSingleton<ClientHistory>().AddSingleton<Sampler>().AddSingleton<RemotePlayback>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Sampler>());
        builder.Services.AddHostedService(services => services.GetRequiredService<RemotePlayback>());

        // 4. Where it listens: this machine only, unless somebody says otherwise.
        builder.Services.AddOptions<KestrelServerOptions>()
            .Configure<IOptions<SmartClientOptions>>((kestrel, options) => kestrel.Limits.MaxConcurrentConnections = options.Value.Connections);
        if (string.IsNullOrEmpty(builder.Configuration["urls"]))
        {
            builder.WebHost.UseUrls($"http://localhost:{builder.Configuration.GetValue("PORT", DashboardPort)}");
        }

        KeepLogsOffStandardOutput(builder.Services);
        var app = builder.Build();
        app.UseServiceDefaults();
        app.UseAnyOriginReads();

        // 5. Routes.
        app.MapDashboard();
        app.MapDefaultEndpoints();
        return app;
    }

    /// <summary>The player alone, for the console.</summary>
    public static IHost BuildPlayer(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.Logging.ClearProviders().AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(TimeProvider.System).AddSmartClient();
        KeepLogsOffStandardOutput(builder.Services);
        return builder.Build();
    }

    /// <summary>Registers <see cref="SmartPlayer"/> and what it needs. A <see cref="TimeProvider"/> is the caller's.</summary>
    public static IServiceCollection AddSmartClient(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<SmartClientOptions>, SmartClientOptionsValidator>();
        services.AddOptions<SmartClientOptions>()
            .BindConfiguration(SmartClientOptions.Section)
            .Configure<IConfiguration>((options, configuration) => options.MetadataUrl = configuration["METADATA_SERVICE_URL"] ?? options.MetadataUrl)
            .ValidateOnStart();
        services.AddSingleton(provider => MetadataClient.At(provider.GetRequiredService<IOptions<SmartClientOptions>>().Value.MetadataUrl, _metadataWithin));
        services.AddSingleton<NodeConnections>().AddSingleton<NodeRegistry>().AddSingleton<ChunkDownloader>().AddSingleton<SmartPlayer>();
        services.AddSingleton<NetworkMonitor>();
        return services.AddHostedService(provider => provider.GetRequiredService<NetworkMonitor>());
    }

    /// <summary>Standard output may be the video.</summary>
    private static void KeepLogsOffStandardOutput(IServiceCollection services) =>
        services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
}
