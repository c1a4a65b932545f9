using Lifecycle.Store.Database;
using Lifecycle.Store.Objects;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lifecycle.Store;

/// <summary>Brings the schema and the bucket up to date before the service takes work; waits while a store is away.</summary>
public sealed partial class StoreInitializer(Migrations migrations, ObjectStore objects, TimeProvider time, ILogger<StoreInitializer> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await UntilDoneAsync("schema", migrations.ApplyAsync, time, logger, cancellationToken);
        await UntilDoneAsync("bucket", objects.EnsureBucketAsync, time, logger, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Tries again while the store is away.</summary>
    public static async Task UntilDoneAsync(string what, Func<CancellationToken, Task> work, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await work(ct);
                return;
            }
            catch (Exception exception) when (Outages.IsOutage(exception))
            {
                Log.Waiting(logger, what, exception.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, ct);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Waiting to prepare the {What}: {Reason}")]
        public static partial void Waiting(ILogger logger, string what, string reason);
    }
}
