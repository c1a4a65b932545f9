using Lifecycle.Store;
using Lifecycle.Store.Database;

namespace Storage.Metadata.Database;

/// <summary>Brings the schema up to date before the service takes work; waits while Postgres is away.</summary>
internal sealed class SchemaInitializer(Migrations migrations, TimeProvider time, ILogger<SchemaInitializer> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => StoreInitializer.UntilDoneAsync("schema", migrations.ApplyAsync, time, logger, cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
