using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Workers;

namespace Processing.Worker.Maintenance;

/// <summary>What every worker does beside its tasks.</summary>
public static class MaintenanceServices
{
    public static IServiceCollection AddMaintenance(this IServiceCollection services) => services
        .AddDuty<Rescuer>("rescuer", TimeSpan.FromSeconds(2), (rescuer, ct) => rescuer.PassAsync(ct))
        .AddDuty<Sweeper>("sweeper", TimeSpan.FromSeconds(5), (sweeper, ct) => sweeper.PassAsync(ct))
        .AddDuty<WorkerRegistry>("registrar", TimeSpan.FromMinutes(1), (registry, ct) => registry.ForgetAsync(ct));
}
