using System.Diagnostics.Metrics;
using Lifecycle.Store.Monitoring;
using Microsoft.Extensions.Options;

namespace Upload.Api.Monitoring;

/// <summary>The workers and what is wrong.</summary>
public sealed record HealthSample(IReadOnlyList<WorkerFigures> Workers, IReadOnlyList<Alert> Alerts);

/// <summary>
/// Keeps the last reading of the figures and of the health, so that a request costs no query. Two duties read anew; what is asked for
/// before the first reading is read at once. While the database is away the last reading stands, and its time says how old it is.
/// </summary>
public sealed partial class PlatformSampler : IDisposable
{
    private readonly PlatformFigures _read;
    private readonly MonitoringThresholds _thresholds;
    private readonly ILogger<PlatformSampler> _logger;
    private readonly SemaphoreSlim _one = new(1);
    private volatile Figures? _figures;
    private volatile HealthSample? _health;

    public PlatformSampler(PlatformFigures figures, IOptions<MonitoringOptions> options, IMeterFactory meters, ILogger<PlatformSampler> logger)
    {
        (_read, _thresholds, _logger) = (figures, options.Value.Thresholds, logger);
        PlatformMeter.Register(meters, this);
    }

    /// <summary>Null before the first reading.</summary>
    public Figures? LastFigures => _figures;

    /// <summary>Null before the first reading.</summary>
    public HealthSample? LastHealth => _health;

    public async Task<Figures> FiguresAsync(CancellationToken ct)
    {
        if (_figures is null)
        {
            await ReadFiguresAsync(ct);
        }

        return _figures!;
    }

    public async Task<HealthSample> HealthAsync(CancellationToken ct)
    {
        if (_health is null)
        {
            await ReadHealthAsync(ct);
        }

        return _health!;
    }

    public async Task ReadFiguresAsync(CancellationToken ct) => _figures = await _read.ReadAsync(ct);

    /// <summary>Reads workers and figures, and says in the log which alerts have begun and which have ended.</summary>
    public async Task ReadHealthAsync(CancellationToken ct)
    {
        await _one.WaitAsync(ct); // two readings at once would both find the same alert new
        try
        {
            var alerts = SystemHealth.AlertsOf(await _read.ReadAsync(ct), _thresholds);
            HealthSample next = new(await _read.ReadWorkersAsync(ct), alerts);
            var before = _health?.Alerts ?? [];
            foreach (var alert in alerts.ExceptBy(before.Select(old => old.Key), alert => alert.Key))
            {
                Log.Begun(_logger, alert.Code, alert.Severity, alert.Message);
            }

            foreach (var alert in before.ExceptBy(alerts.Select(now => now.Key), alert => alert.Key))
            {
                Log.Ended(_logger, alert.Code, alert.Severity);
            }

            _health = next;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Alert {Code} ({Severity}) has begun: {Reason}")]
        public static partial void Begun(ILogger logger, string code, string severity, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "Alert {Code} ({Severity}) has ended")]
        public static partial void Ended(ILogger logger, string code, string severity);
    }
}
