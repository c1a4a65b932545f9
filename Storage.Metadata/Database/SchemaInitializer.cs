using Lifecycle.Store;
using Lifecycle.Store.Database;

namespace Storage.Metadata.Database;

/// <summary>Brings the schema up to date before the service takes work; waits while Postgres is away.</summary>
internal sealed partial class SchemaInitializer(Migrations migrations, TimeProvider time, ILogger<SchemaInitializer> logger) : IHostedService
{
    private static readonly TimeSpan _between = TimeSpan.FromMilliseconds(500);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await migrations.ApplyAsync(cancellationToken);
                return;
            }
            catch (Exception exception) when (Outages.IsOutage(exception))
            {
                Log.Waiting(logger, exception.Message);
                await Task.Delay(_between, time, cancellationToken);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Waiting to prepare the schema: {Reason}")]
        public static partial void Waiting(ILogger logger, string reason);
    }
}
