using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace VideoPlatform.ServiceDefaults;

/// <summary>
/// OpenTelemetry over OTLP, only where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set. The instrumentation packages are not
/// needed: the framework, Npgsql and RabbitMQ.Client emit these sources and meters themselves.
/// </summary>
internal static class Telemetry
{
    private static readonly string[] _sources =
    [
        "VideoPlatform.*", "Microsoft.AspNetCore", "System.Net.Http", "Npgsql", "RabbitMQ.Client.Publisher",
    ];

    private static readonly string[] _meters =
    [
        "VideoPlatform.*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Npgsql",
    ];

    /// <summary>Paths that are asked every second and say nothing.</summary>
    private static readonly string[] _quietPaths = ["/alive", "/ready", "/health"];

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            return;
        }

        // .NET 10 fills in method, route and path only where it is asked to.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        builder.Logging.AddOpenTelemetry(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
            logs.AddOtlpExporter();
        });
        var providers = Sdk.CreateTracerProviderBuilder().AddSource(_sources).AddProcessor(new RequestSpans()).AddOtlpExporter();
        var metrics = Sdk.CreateMeterProviderBuilder().AddMeter(_meters).AddOtlpExporter();
        builder.Services.AddHostedService(_ => new Exporting(providers.Build(), metrics.Build()));
    }

    /// <summary>Names the spans of requests as the convention says, method and route, and drops those of health probes.</summary>
    private sealed class RequestSpans : BaseProcessor<System.Diagnostics.Activity>
    {
        public override void OnEnd(System.Diagnostics.Activity data)
        {
            if (data.Source.Name != "Microsoft.AspNetCore")
            {
                return;
            }

            data.DisplayName = $"{data.GetTagItem("http.request.method")} {data.GetTagItem("http.route")}".Trim();
            if (data.GetTagItem("url.path") is string path && _quietPaths.Contains(path, StringComparer.Ordinal))
            {
                data.ActivityTraceFlags &= ~System.Diagnostics.ActivityTraceFlags.Recorded;
            }
        }
    }

    /// <summary>Owns the providers: what is buffered is flushed at shutdown.</summary>
    private sealed class Exporting(TracerProvider traces, MeterProvider metrics) : Microsoft.Extensions.Hosting.IHostedService, IDisposable
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
            traces.Dispose();
            metrics.Dispose();
        }
    }
}
