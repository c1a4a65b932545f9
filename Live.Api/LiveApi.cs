using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Live.Api.Ingest;
using Live.Api.Monitoring;
using Live.Api.OpenApi;
using Live.Api.Orchestration;
using Live.Api.Streams;
using VideoPlatform.Accounts;
using VideoPlatform.ServiceDefaults;

namespace Live.Api;

/// <summary>The composition of the service: what Program runs, and tests too.</summary>
public static class LiveApi
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);

        // 1. What every service has, and the stores by connection name.
        builder.AddServiceDefaults(Outages.IsOutage)
            .AddPostgres("videodb", Limits.DatabaseConnectionsPerProcess)
            .AddRabbitMQ("messaging")
            .AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));
        builder.Services.AddLifecycleStore().AddStreamStore().AddOutboxRelay();

        // 2. Who calls, and how errors look here.
        builder.Services.AddAccountAuthentication().AddMessageErrors();

        // 3. Streams and the workflow behind them; who may push to the RTMP server, and who may pull from it.
        builder.Services.AddStreams().AddOrchestration().AddIngest().AddHealth().AddSingleton<LiveDocument>();

        var app = builder.Build();
        app.UseServiceDefaults();
        app.UseAuthentication().UseAuthorization();

        // 4. The routes, a folder each.
        app.MapStreams();
        app.MapIngest();
        app.MapHealth();
        app.MapApiDocument();
        app.MapDefaultEndpoints();
        return app;
    }
}
