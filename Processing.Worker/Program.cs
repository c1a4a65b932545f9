using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Processing.Worker.Live;
using Processing.Worker.Maintenance;
using Processing.Worker.Pool;
using Processing.Worker.Tasks;
using VideoPlatform.ServiceDefaults;

// 1. What every service has, and the stores' clients.
var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(Outages.IsOutage)
    .AddPostgres("videodb", Limits.DatabaseConnectionsPerProcess)
    .AddRabbitMQ("messaging")
    .AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));

// 2. The lifecycle's stores, and the relay for what this process writes into the outbox.
builder.Services.AddLifecycleStore().AddOutboxRelay();

// 3. The work: tasks and the media engine, the pool that hands them out, live streams in front of them, the small duties that every worker shares.
builder.Services.AddTasks().AddPool().AddLive().AddMaintenance();

var app = builder.Build();
app.UseServiceDefaults();

// 4. What operators see.
app.MapPool();
app.MapDefaultEndpoints();
app.Run();
