using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Processes;
using LocalHosting.Programs;
using LocalHosting.State;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace LocalHosting.Engine;

/// <summary>Keeps one replica alive: start, watch, start again with backoff what ended, and obey start, stop and restart commands.</summary>
internal sealed partial class ReplicaRunner(IResource resource, int replica, string id, IProgram program, EngineServices engine, ResourceLog output, Action processesChanged, ILogger log)
    : ResourceRunner(resource, id, engine), IDisposable
{
    private readonly Lock _gate = new();
    private readonly Backoff _backoff = new(engine.Model.Options.LongestRestartDelay);
    private TaskCompletionSource _changed = NewSignal();
    private CancellationTokenSource _life = new();
    private bool _wanted = !resource.Annotations.OfType<ExplicitStartAnnotation>().Any();
    private bool _closing;

    /// <summary>Whether a connection to it makes sense: it runs, whatever its health.</summary>
    public bool IsRunning => Processes.Count > 0;

    public int Replica => replica;

    /// <summary>Its processes in the order of their start: name and pid.</summary>
    public IReadOnlyList<(string Program, int Pid)> Processes { get; private set; } = [];

    public Task StartCommandAsync(CancellationToken ct)
    {
        Want(true, endLife: false);
        return Reached(e => e == KnownResourceStates.Running, ct);
    }

    public Task StopCommandAsync(CancellationToken ct)
    {
        Want(false, endLife: true);
        return Reached(_ => !IsRunning && !_wanted, ct);
    }

    public async Task RestartCommandAsync(CancellationToken ct)
    {
        await StopCommandAsync(ct);
        await StartCommandAsync(ct);
    }

    public void Dispose() => _life.Dispose();

    protected override Task RequestStopAsync()
    {
        _closing = true;
        Want(false, endLife: true);
        return Task.CompletedTask;
    }

    protected override async Task RunAsync(CancellationToken ct)
    {
        Publish(_wanted ? KnownResourceStates.Starting : KnownResourceStates.NotStarted);
        try
        {
            if (_wanted && !await WaitForDependenciesAsync(ct))
            {
                Publish(KnownResourceStates.FailedToStart);
                return;
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }

        while (await NextLifeAsync() is { } life)
        {
            var since = Engine.Time.GetTimestamp();
            var exitCode = await LiveAsync(life);
            if (life.IsCancellationRequested)
                continue;
            if (exitCode is { } code && IsJob(code))
            {
                Publish(KnownResourceStates.Finished, s => s with { ExitCode = code });
                Want(false, endLife: false);
                continue;
            }

            var delay = _backoff.After(Engine.Time.GetElapsedTime(since));
            Log.Ended(log, Id, exitCode, delay.TotalSeconds);
            await Task.Delay(delay, Engine.Time, life).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>From start to end of the processes. The exit code, or null when they were stopped or could not be started.</summary>
    private async Task<int?> LiveAsync(CancellationToken life)
    {
        Publish(KnownResourceStates.Starting, s => s with { HealthStatus = null, ExitCode = null });
        int? exitCode = null;
        long? stopping = null;
        try
        {
            await using var context = new ReplicaContext(Resource, replica, Engine, output, RunAs.Choose(program.User))
            {
                Environment = await EnvironmentResolver.ResolveAsync(Resource, Engine.Model.ExecutionContext, Id, life),
                Args = [.. Resource.Annotations.OfType<ArgsAnnotation>().SelectMany(a => a.Args)],
            };
            using var until = CancellationTokenSource.CreateLinkedTokenSource(life, context.Ended);
            try
            {
                await program.StartAsync(context, until.Token);
                SetProcesses([.. context.Processes.Select(p => (p.Label, p.Pid))]);
                Publish(KnownResourceStates.Running, s => s with { StartTimeStamp = Engine.Time.GetUtcNow().UtcDateTime, Properties = PidProperties() });
                await WatchHealthAsync(context, until.Token);
            }
            catch (OperationCanceledException) when (until.IsCancellationRequested)
            {
            }

            exitCode = context.Processes.FirstOrDefault(p => p.Exited.IsCompletedSuccessfully) is { } ended ? await ended.Exited : null;
            if (life.IsCancellationRequested)
            {
                stopping = Engine.Time.GetTimestamp();
                Publish(KnownResourceStates.Stopping, s => s with { HealthStatus = null });
            }
        }
        catch (Exception e) when (e is DistributedApplicationException or IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            output.Write(e.Message);
            Log.CouldNotStart(log, Id, e.Message);
        }
        catch (OperationCanceledException) when (life.IsCancellationRequested)
        {
        }

        if (stopping is { } begin)
            output.Write($"stopped in {Engine.Time.GetElapsedTime(begin).TotalSeconds:0.0} s");
        SetProcesses([]);
        Publish(KnownResourceStates.Exited, s => s with { ExitCode = exitCode, HealthStatus = null, Properties = [] });
        return exitCode;
    }

    private async Task WatchHealthAsync(ReplicaContext context, CancellationToken ct)
    {
        var monitor = new HealthMonitor(context, program, Engine);
        var since = Engine.Time.GetTimestamp();
        var told = false;
        await foreach (var (healthy, problem) in monitor.WatchAsync(ct))
        {
            if (healthy && !told)
                output.Write($"healthy {Engine.Time.GetElapsedTime(since).TotalSeconds:0.0} s after its start");
            told |= healthy;
            if (!healthy && problem is not null)
                Log.Unhealthy(log, Id, problem);
            Publish(KnownResourceStates.Running, s => s with { HealthStatus = healthy ? HealthStatus.Healthy : HealthStatus.Unhealthy });
        }
    }

    private void SetProcesses(IReadOnlyList<(string, int)> processes)
    {
        Processes = processes;
        processesChanged();
    }

    private System.Collections.Immutable.ImmutableArray<ResourcePropertySnapshot> PidProperties() =>
        [new("executable.pid", Processes[^1].Pid), .. Processes.Select(p => new ResourcePropertySnapshot($"executable.pid.{p.Program}", p.Pid))];

    /// <summary>What ends with 0, or what somebody waits to end, is done; everything else that ends has died.</summary>
    private bool IsJob(int exitCode) =>
        (Resource is ExecutableResource && exitCode == 0)
        || Engine.Model.Resources.SelectMany(r => r.Annotations.OfType<WaitAnnotation>()).Any(w => w.Kind == WaitKind.Completed && ReferenceEquals(w.Resource, Resource));

    /// <summary>Waits until the replica is wanted; null at the end of the engine.</summary>
    private async Task<CancellationToken?> NextLifeAsync()
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_closing)
                    return null;
                if (_wanted)
                {
                    if (_life.IsCancellationRequested)
                    {
                        _life.Dispose();
                        _life = new();
                    }

                    return _life.Token;
                }

                changed = _changed.Task;
            }

            await changed;
        }
    }

    private void Want(bool wanted, bool endLife)
    {
        lock (_gate)
        {
            _wanted = wanted;
            if (endLife)
                _life.Cancel();
            _changed.TrySetResult();
            _changed = NewSignal();
        }
    }

    private async Task Reached(Func<string?, bool> condition, CancellationToken ct)
    {
        await foreach (var e in Engine.Notifications.WatchAsync(ct))
        {
            if (e.ResourceId == Id && condition(e.Snapshot.State?.Text))
                return;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "{Replica} ended with code {ExitCode}; starting it again in {DelaySeconds} s")]
        public static partial void Ended(ILogger logger, string replica, int? exitCode, double delaySeconds);

        [LoggerMessage(Level = LogLevel.Error, Message = "{Replica} could not be started: {Reason}")]
        public static partial void CouldNotStart(ILogger logger, string replica, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Replica} is not healthy: {Problem}")]
        public static partial void Unhealthy(ILogger logger, string replica, string problem);
    }
}
