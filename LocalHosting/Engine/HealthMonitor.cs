using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Programs;
using Npgsql;

namespace LocalHosting.Engine;

/// <summary>Asks a replica's probes: often until it is healthy for the first time, then every few seconds. Without a probe, running is healthy.</summary>
internal sealed class HealthMonitor(ReplicaContext context, IProgram program, EngineServices engine)
{
    private static readonly TimeSpan WhileStarting = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan WhileUnhealthy = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan WhileHealthy = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeBound = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SlowStart = TimeSpan.FromSeconds(30);
    private readonly HealthProbe[] _probes = [.. context.Resource.Annotations.OfType<HealthProbe>()];

    /// <summary>One element per change; the problem is told when it is worth a line in the log, so not while a program is still starting.</summary>
    public async IAsyncEnumerable<(bool Healthy, string? Problem)> WatchAsync([EnumeratorCancellation] CancellationToken ct)
    {
        bool? last = null;
        var since = engine.Time.GetTimestamp();
        var wasHealthy = false;
        var told = false;
        while (true)
        {
            var problem = await CheckAsync(ct);
            var healthy = problem is null;
            wasHealthy |= healthy;
            var worthTelling = !healthy && !told && (wasHealthy || engine.Time.GetElapsedTime(since) > SlowStart);
            if (healthy != last || worthTelling)
            {
                yield return (healthy, worthTelling ? problem : null);
                told = !healthy && (told || worthTelling);
                last = healthy;
            }

            program.Maintain(context);
            await Task.Delay(healthy ? WhileHealthy : wasHealthy || engine.Time.GetElapsedTime(since) > SlowStart ? WhileUnhealthy : WhileStarting, engine.Time, ct);
        }
    }

    private async Task<string?> CheckAsync(CancellationToken ct)
    {
        foreach (var probe in _probes)
        {
            using var bound = CancellationTokenSource.CreateLinkedTokenSource(ct);
            bound.CancelAfter(ProbeBound);
            try
            {
                if (await probe.CheckAsync(context, program.MapHealthPath, engine.Services, bound.Token) is { } problem)
                    return problem;
            }
            catch (Exception e) when (e is HttpRequestException or SocketException or IOException or NpgsqlException or TimeoutException)
            {
                return e.Message;
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                return $"no answer within {ProbeBound.TotalSeconds} s";
            }
        }

        return null;
    }
}
