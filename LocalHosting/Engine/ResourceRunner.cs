using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Programs;
using Microsoft.Extensions.Logging;

namespace LocalHosting.Engine;

/// <summary>Something of the model that the engine brings up once what it waits for is there, and takes down before it.</summary>
internal abstract class ResourceRunner(IResource resource, string id, EngineServices engine)
{
    private Task _run = Task.CompletedTask;

    public IResource Resource => resource;

    public string Id => id;

    protected EngineServices Engine => engine;

    /// <summary>What must still be there while this one stops.</summary>
    public IEnumerable<IResource> DependsOn =>
    [
        .. resource.Annotations.OfType<WaitAnnotation>().Select(w => w.Resource),
        .. resource is IResourceWithParent { Parent: var parent } ? (IResource[])[parent] : [],
    ];

    public void Start(CancellationToken ct) => _run = Task.Run(() => RunAsync(ct), CancellationToken.None);

    public async Task StopAsync()
    {
        await RequestStopAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected abstract Task RunAsync(CancellationToken ct);

    protected virtual Task RequestStopAsync() => Task.CompletedTask;

    protected void Publish(string state, Func<CustomResourceSnapshot, CustomResourceSnapshot>? change = null) =>
        engine.Notifications.Publish(resource, id, s => (change ?? (x => x))(s with { State = state }));

    /// <summary>Returns once every wait of the model is fulfilled; false when one never will be.</summary>
    protected async Task<bool> WaitForDependenciesAsync(CancellationToken ct)
    {
        foreach (var wait in resource.Annotations.OfType<WaitAnnotation>())
        {
            Publish(KnownResourceStates.Waiting);
            var name = wait.Resource.Name;
            switch (wait.Kind)
            {
                case WaitKind.Started:
                    await engine.Notifications.WaitForResourceAsync(name, KnownResourceStates.Running, ct);
                    break;
                case WaitKind.Healthy:
                    await engine.Notifications.WaitForResourceAsync(name, _ => engine.Notifications.AllHealthy(name), ct);
                    break;
                default:
                    var end = await engine.Notifications.WaitForResourceAsync(name, e => e.Snapshot.State?.Text == KnownResourceStates.Finished, ct);
                    if (end.Snapshot.ExitCode != wait.ExitCode)
                        return false;
                    break;
            }
        }

        return true;
    }
}

/// <summary>A parameter, a connection string or a database: no process of its own.</summary>
internal sealed partial class ValueRunner(IResource resource, EngineServices engine, ILogger log) : ResourceRunner(resource, resource.Name, engine)
{
    protected override async Task RunAsync(CancellationToken ct)
    {
        try
        {
            if (!await WaitForDependenciesAsync(ct))
                throw new DistributedApplicationException("what it waits for has failed");
            if (Resource is PostgresDatabaseResource database)
            {
                Publish(KnownResourceStates.Waiting);
                await Engine.Notifications.WaitForResourceAsync(database.Parent.Name, _ => Engine.Notifications.AllHealthy(database.Parent.Name), ct);
                await DatabaseCreation.EnsureAsync(database, ct);
            }

            Publish(KnownResourceStates.Running, s => s with { HealthStatus = Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy });
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            Log.Failed(log, Resource.Name, e.Message, e is DistributedApplicationException ? null : e);
            Publish(KnownResourceStates.FailedToStart);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "{Resource} failed: {Reason}")]
        public static partial void Failed(ILogger logger, string resource, string reason, Exception? exception);
    }
}
