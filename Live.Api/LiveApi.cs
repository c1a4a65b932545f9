using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Live.Api.Ingest;
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

        // 2. Who calls.
        builder.Services.AddAccountAuthentication();

        // 3. Who may push to the RTMP server, and who may pull from it.
        builder.Services.AddIngest();

        var app = builder.Build();
        app.UseServiceDefaults();
        app.UseAuthentication().UseAuthorization();
        app.MapIngest();
        app.MapDefaultEndpoints();
        return app;
    }
}
