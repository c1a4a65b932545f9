using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lifecycle.Store;

/// <summary>
/// Runs one small duty again and again, whatever becomes of a pass: an exception that escaped would stop the host. Every replica has
/// it; the rows' locks keep them out of each other's way.
/// </summary>
public sealed partial class Duty(string name, TimeSpan every, Func<CancellationToken, Task> pass, TimeProvider time, ILogger<Duty> logger) : BackgroundService
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
                Log.Waiting(logger, name, exception.Message);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Failed(logger, exception, name);
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

public static class DutyServices
{
    /// <summary>A <see cref="Duty"/> of <typeparamref name="T"/>, which is registered already.</summary>
    public static IServiceCollection AddDuty<T>(this IServiceCollection services, string name, TimeSpan every, Func<T, CancellationToken, Task> pass)
        where T : notnull => services.AddDuty(name, _ => every, pass);

    /// <summary>The same where the settings say how often.</summary>
    public static IServiceCollection AddDuty<T>(this IServiceCollection services, string name, Func<IServiceProvider, TimeSpan> every, Func<T, CancellationToken, Task> pass)
        where T : notnull =>
        // Not AddHostedService: that takes a type only once.
        services.AddSingleton<IHostedService>(provider =>
        {
            var worker = provider.GetRequiredService<T>();
            return ActivatorUtilities.CreateInstance<Duty>(provider, name, every(provider), (Func<CancellationToken, Task>)(ct => pass(worker, ct)));
        });
}
