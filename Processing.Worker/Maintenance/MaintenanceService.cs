using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Workers;

namespace Processing.Worker.Maintenance;

public static class MaintenanceServices
{
    public static IServiceCollection AddMaintenance(this IServiceCollection services) => services
        .AddDuty("rescuer", TimeSpan.FromSeconds(2), provider => provider.GetRequiredService<Rescuer>().PassAsync)
        .AddDuty("sweeper", TimeSpan.FromSeconds(5), provider => provider.GetRequiredService<Sweeper>().PassAsync)
        .AddDuty("registrar", TimeSpan.FromMinutes(1), provider => provider.GetRequiredService<WorkerRegistry>().ForgetAsync);

    // Not AddHostedService: that takes a type only once.
    private static IServiceCollection AddDuty(this IServiceCollection services, string duty, TimeSpan every, Func<IServiceProvider, Func<CancellationToken, Task>> pass) =>
        services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<MaintenanceService>(provider, duty, every, pass(provider)));
}

/// <summary>Runs one small duty again and again, whatever becomes of a pass: an exception that escaped would stop the host. Every worker has it; the rows' locks keep them out of each other's way.</summary>
public sealed partial class MaintenanceService(string duty, TimeSpan every, Func<CancellationToken, Task> pass, TimeProvider time, ILogger<MaintenanceService> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await pass(stoppingToken);
            }
            catch (Exception exception) when (Outages.IsOutage(exception))
            {
                Log.Waiting(logger, duty, exception.Message);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Failed(logger, exception, duty);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The {Duty} waits for a store: {Reason}")]
        public static partial void Waiting(ILogger logger, string duty, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "A pass of the {Duty} failed; the next one comes")]
        public static partial void Failed(ILogger logger, Exception exception, string duty);
    }
}
