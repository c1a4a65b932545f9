using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace VideoPlatform.ServiceDefaults;

/// <summary>What every service has: telemetry, health, problem details, bounded shutdown, clients by connection name.</summary>
public static class ServiceDefaults
{
    /// <summary>Of a request body where the route does not say otherwise: JSON, read into memory, also from strangers.</summary>
    private const long BodyBytes = 1 << 20;

    /// <summary>Shorter than the ten seconds that container engines give before they kill.</summary>
    private static readonly TimeSpan _shutdownWithin = TimeSpan.FromSeconds(8);

    /// <param name="builder">The service's builder.</param>
    /// <param name="isOutage">True for the exception of a store that is away: answered with 503 and Retry-After.</param>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder, Func<Exception, bool> isOutage)
    {
        builder.Services.AddSingleton(new OutageTest(isOutage));
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
        });
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning); // a line per request is the gateway's
        builder.AddTelemetry();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        builder.Services.AddExceptionHandler<UnexpectedExceptions>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = _shutdownWithin);
        builder.Services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            // Only the gateway speaks to the services; a client's own header is overwritten there.
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            forwarded.ForwardLimit = 1;
            // Beside loopback. Without it a gateway on another machine is the one client address that everybody has.
            foreach (var network in (builder.Configuration["Gateway:Networks"] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                forwarded.KnownIPNetworks.Add(System.Net.IPNetwork.TryParse(network, out var known)
                    ? known
                    : throw new InvalidOperationException($"Gateway:Networks holds '{network}'; it is a list of networks like 10.0.0.0/8, separated by commas."));
            }
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = BodyBytes;
        });
        return builder;
    }

    /// <summary>Errors as problem details, and the gateway's forwarded address; first in the pipeline.</summary>
    public static WebApplication UseServiceDefaults(this WebApplication app)
    {
        app.UseRequestSpans();
        app.UseForwardedHeaders();
        app.UseExceptionHandler(static _ => { });
        app.UseStatusCodePages(context => BareStatus.WriteAsync(context.HttpContext));
        app.Use(Charsets.RefuseUnknownAsync);
        return app;
    }

    /// <summary><c>/alive</c>: the process answers. <c>/ready</c>: its dependencies answer too, by name. <c>/health</c> is each service's own.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealthChecks("/alive", new HealthCheckOptions { Predicate = check => check.Tags.Contains("live") });
        app.MapHealthChecks("/ready", new HealthCheckOptions { ResponseWriter = WriteReportAsync });
        return app;
    }

    private static Task WriteReportAsync(HttpContext context, HealthReport report)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Results.Json(new
        {
            status = report.Status == HealthStatus.Healthy ? "ok" : "unavailable",
            checks = report.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Status.ToString().ToLower(CultureInfo.InvariantCulture)),
        }, statusCode: report.Status == HealthStatus.Healthy ? 200 : 503).ExecuteAsync(context);
    }
}
