using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Upload.Api;
using Upload.Api.Accounts;
using Upload.Api.Chunks;
using Upload.Api.Jobs;
using Upload.Api.Limiting;
using Upload.Api.Monitoring;
using Upload.Api.OpenApi;
using Upload.Api.Status;
using Upload.Api.Uploads;
using Upload.Api.Videos;
using Upload.Api.Webhooks;
using VideoPlatform.ServiceDefaults;

// 1. What every service has, and the stores' clients.
var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(Outages.IsOutage)
    .AddPostgres("videodb", Limits.DatabaseConnectionsPerProcess)
    .AddRabbitMQ("messaging")
    .AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));

// 2. The lifecycle's stores, and the relay for what this process writes into the outbox.
builder.Services.AddLifecycleStore().AddOutboxRelay();

// 3. The features.
builder.Services.AddHostJson().AddApiDocument();
builder.Services.AddAccounts().AddLimits().AddUploads().AddChunkUploads().AddStatusStreams().AddJobs().AddWebhooks().AddMonitoring();

var app = builder.Build();
app.UseServiceDefaults();
app.UseWebSockets(StatusSocket.Options);
app.UseAuthentication().UseRateLimits().UseAuthorization();

// 4. The routes, a folder each.
app.MapAccounts();
app.MapUploads();
app.MapChunkUploads();
app.MapStatus();
app.MapVideos();
app.MapJobs();
app.MapWebhooks();
app.MapMonitoring();
app.MapApiDocument();
app.MapDefaultEndpoints();
app.Run();
