using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Processes;
using LocalHosting.Programs;
using LocalHosting.State;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LocalHosting.Engine;

/// <summary>Runs the model as processes of this machine: up in the order of its waits, down in the reverse, nothing left in between or after.</summary>
internal sealed partial class LocalEngine(
    ApplicationBuilder model, IServiceProvider services, ResourceNotificationService notifications, TimeProvider time, ILoggerFactory loggers) : IHostedService, IDisposable
{
    private readonly ILogger _log = loggers.CreateLogger("LocalHosting");
    private readonly CancellationTokenSource _end = new();
    private readonly List<ResourceLog> _outputs = [];
    private readonly List<TcpProxy> _proxies = [];
    private readonly Lock _noticeGate = new();
    private IReadOnlyList<ResourceRunner> _runners = [];
    private EngineServices? _engine;
    private Task _announcing = Task.CompletedTask;

    public IReadOnlyList<ReplicaRunner> Find(string resourceNameOrReplicaId) =>
        [.. _runners.OfType<ReplicaRunner>().Where(r => new[] { r.Id, r.Resource.Name }.Contains(resourceNameOrReplicaId, StringComparer.OrdinalIgnoreCase))];

    public void Dispose() => _end.Dispose();

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var programs = model.Resources.Select(r => (Resource: r, Program: ProgramCatalogue.For(r, model))).ToList();
        RequiredPrograms.Check(programs.SelectMany(p => p.Program?.Requires ?? []));
        var since = time.GetTimestamp();
        try
        {
            _engine = await OpenAsync(cancellationToken);
            EndpointAllocator.Allocate(model.Resources, _engine.Ports, model.Options.Ephemeral);
            _runners = [.. programs.SelectMany(p => p.Program is null ? [new ValueRunner(p.Resource, _engine, _log)] : Replicas(p.Resource, p.Program))];
            StartProxies();
            foreach (var runner in _runners)
                runner.Start(_end.Token);
            _announcing = AnnounceAsync(_engine, since);
        }
        catch
        {
            await StopAsync(CancellationToken.None);
            throw;
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_engine is not { } engine)
            return;
        _engine = null;
        var since = time.GetTimestamp();
        await _end.CancelAsync();
        await _announcing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        engine.State.RemoveNotices();
        await StopInReverseAsync();
        foreach (var proxy in _proxies)
            await proxy.DisposeAsync();
        foreach (var runner in _runners.OfType<ReplicaRunner>())
            runner.Dispose();
        foreach (var output in _outputs)
            output.Dispose();
        await engine.Supervisor.DisposeAsync();
        engine.Launcher.Dispose();
        engine.Ports.Dispose();
        engine.State.Dispose();
        Log.Stopped(_log, time.GetElapsedTime(since).TotalSeconds);
    }

    private async Task<EngineServices> OpenAsync(CancellationToken ct)
    {
        var state = await StateFolder.OpenAsync(model.StateRoot, model.Options.Ephemeral, time, ct);
        PortBook? ports = null;
        var launcher = new LauncherThread();
        try
        {
            ports = new PortBook(state.PortsFile);
            var supervisor = new Supervisor(Guid.CreateVersion7().ToString("N"), state.SupervisorLock, state.IsEphemeral ? state.Root : null, launcher, loggers.CreateLogger<Supervisor>());
            await supervisor.StartAsync();
            return new(model, services, state, ports, launcher, supervisor, notifications, time);
        }
        catch
        {
            ports?.Dispose();
            launcher.Dispose();
            state.Dispose();
            throw;
        }
    }

    private IEnumerable<ResourceRunner> Replicas(IResource resource, IProgram program)
    {
        var count = EndpointAllocator.Replicas(resource);
        for (var i = 0; i < count; i++)
        {
            var id = count == 1 ? resource.Name : string.Create(CultureInfo.InvariantCulture, $"{resource.Name}-{i}");
            var output = new ResourceLog(id, _engine!.State.LogFile(id), model.Options.ConsoleLogs, time);
            _outputs.Add(output);
            yield return new ReplicaRunner(resource, i, id, i == 0 ? program : ProgramCatalogue.For(resource, model)!, _engine, output, WritePids, _log);
        }
    }

    private void StartProxies()
    {
        foreach (var replicas in _runners.OfType<ReplicaRunner>().GroupBy(r => r.Resource).Where(g => g.Count() > 1))
        {
            var runners = replicas.ToList();
            foreach (var endpoint in replicas.Key.Annotations.OfType<EndpointAnnotation>())
                _proxies.Add(new(endpoint.AllocatedPort!.Value, () => [.. runners.Where(r => r.IsRunning).Select(r => endpoint.ReplicaPorts[r.Replica])]));
        }
    }

    private void WritePids()
    {
        lock (_noticeGate)
        {
            if (_engine is { } engine)
                AtomicFile.WriteJson(engine.State.PidsFile, Notices.Pids(_runners.OfType<ReplicaRunner>()));
        }
    }

    /// <summary>Once everything that is meant to run is healthy: the endpoints file and one line per address.</summary>
    private async Task AnnounceAsync(EngineServices engine, long since)
    {
        var awaited = model.Resources.Where(r => r is not ParameterResource && !r.Annotations.OfType<ExplicitStartAnnotation>().Any() && !IsJob(r));
        await Task.WhenAll(awaited.Select(r => notifications.WaitForResourceHealthyAsync(r.Name, _end.Token)));
        var endpoints = Notices.Endpoints(model.Resources);
        var file = model.Options.EndpointsFile ?? engine.State.EndpointsFile;
        AtomicFile.WriteJson(file, endpoints);
        Log.AllHealthy(_log, time.GetElapsedTime(since).TotalSeconds, file);
        foreach (var (name, address) in endpoints)
            Log.Address(_log, name, address is string one ? one : string.Join(' ', (List<string>)address));
    }

    private bool IsJob(IResource resource) =>
        resource is ExecutableResource || model.Resources.SelectMany(r => r.Annotations.OfType<WaitAnnotation>()).Any(w => w.Kind == WaitKind.Completed && ReferenceEquals(w.Resource, resource));

    /// <summary>Each resource stops once everything that depends on it has stopped.</summary>
    private Task StopInReverseAsync()
    {
        var stops = new Dictionary<ResourceRunner, Task>();
        return Task.WhenAll(_runners.Select(Stop));

        Task Stop(ResourceRunner runner)
        {
            if (!stops.TryGetValue(runner, out var stop))
            {
                var dependents = _runners.Where(r => r.DependsOn.Contains(runner.Resource)).Select(Stop).ToList();
                stop = stops[runner] = StopAfterAsync(dependents, runner);
            }

            return stop;
        }

        static async Task StopAfterAsync(List<Task> dependents, ResourceRunner runner)
        {
            await Task.WhenAll(dependents);
            await runner.StopAsync();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "All healthy after {Seconds:0.0} s; addresses in {File}")]
        public static partial void AllHealthy(ILogger logger, double seconds, string file);

        [LoggerMessage(Level = LogLevel.Information, Message = "{Name,-18} {Address}")]
        public static partial void Address(ILogger logger, string name, string address);

        [LoggerMessage(Level = LogLevel.Information, Message = "Stopped in {Seconds:0.0} s")]
        public static partial void Stopped(ILogger logger, double seconds);
    }
}
