using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Microsoft.Extensions.Options;
using Streaming.Api.Delivery;
using Streaming.Api.Edge;
using Streaming.Api.Live;
using Streaming.Api.Segments;
using Streaming.Api.Videos;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Api;

/// <summary>The composition of the service: what Program runs, and tests and benches too.</summary>
public static class StreamingApi
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);

        // 1. What every service has, and the stores by connection name.
        builder.AddServiceDefaults(Outages.IsOutage)
            .AddPostgres("videodb", Limits.DatabaseConnectionsPerProcess)
            .AddRabbitMQ("messaging")
            .AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));
        builder.Services.AddLifecycleStore();

        // 2. Settings, checked at start.
        builder.Services.AddSingleton<IValidateOptions<StreamingOptions>, StreamingOptionsValidator>();
        builder.Services.AddOptions<StreamingOptions>().BindConfiguration(StreamingOptions.Section).ValidateOnStart();

        // 3. Segments: memory, disk, the chunk store's nodes, S3.
        builder.Services.AddSingleton<IValidateOptions<EdgeOptions>, EdgeOptionsValidator>();
        builder.Services.AddOptions<EdgeOptions>().BindConfiguration(EdgeOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<EdgeTier>();
        builder.Services.AddMetrics().AddSingleton<StreamingMetrics>();
        builder.Services.AddSingleton<SegmentFetcher>().AddSingleton<SegmentCache>().AddSingleton<DiskTier>();
        builder.Services.AddHostedService(services => services.GetRequiredService<DiskTier>());

        // 4. Videos: what is READY, kept true by events and comparison.
        builder.Services.AddSingleton<VideoCache>().AddSingleton<VideoEndpoints>().AddSingleton<ViewCounts>();
        builder.Services.AddDuty<ViewCounts>("view counts", TimeSpan.FromSeconds(5), (views, ct) => views.FlushAsync(ct));
        builder.Services.AddVideoEvents<VideoWatch>();
        builder.Services.AddHostedService(services => services.GetRequiredService<VideoWatch>());

        builder.Services.AddLiveStreams();

        // 5. Connections.
        builder.Services.AddOptions<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions>()
            .Configure<IOptions<StreamingOptions>>((kestrel, options) => kestrel.Limits.MaxConcurrentConnections = options.Value.Connections);

        var app = builder.Build();
        app.UseServiceDefaults();
        app.UsePlayerCors();

        // 6. Routes.
        VideoEndpoints.Map(app);
        LiveEndpoints.Map(app);
        app.MapMethods("/health", [HttpMethods.Get, HttpMethods.Head], static () => Results.Json(new { status = "ok" }));
        app.MapDefaultEndpoints();
        return app;
    }
}
