using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
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
        if (!IsOn(builder.Configuration))
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
        var providers = Sdk.CreateTracerProviderBuilder().AddSource(_sources).AddOtlpExporter();
        var metrics = Sdk.CreateMeterProviderBuilder().AddMeter(_meters).AddOtlpExporter();
        builder.Services.AddHostedService(_ => new Exporting(providers.Build(), metrics.Build()));
    }

    /// <summary>
    /// Names the spans of requests as the convention says, method and route, and records nothing of health probes, their
    /// queries included. First in the pipeline, behind the routing that the framework puts before it.
    /// </summary>
    public static void UseRequestSpans(this WebApplication app)
    {
        if (!IsOn(app.Configuration))
        {
            return;
        }

        app.Use(static (context, next) =>
        {
            if (context.Features.Get<IHttpActivityFeature>()?.Activity is { } span)
            {
                var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
                span.DisplayName = route is null ? context.Request.Method : $"{context.Request.Method} {route}";
                span.SetTag("http.route", route);
                if (_quietPaths.Contains(context.Request.Path.Value, StringComparer.Ordinal))
                {
                    span.ActivityTraceFlags &= ~System.Diagnostics.ActivityTraceFlags.Recorded;
                }
            }

            return next(context);
        });
    }

    private static bool IsOn(IConfiguration configuration) => !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);

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
