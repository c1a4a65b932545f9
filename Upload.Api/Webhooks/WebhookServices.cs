using Lifecycle.Store;
using Lifecycle.Store.Webhooks;
using Microsoft.Extensions.Options;

namespace Upload.Api.Webhooks;

public static class WebhookServices
{
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddOptions<WebhookOptions>().BindConfiguration(WebhookOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<WebhookOptions>, WebhookOptionsValidator>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, WebhookBodies.Default));
        services.AddSingleton<WebhookSecrets>();
        services.AddSingleton<WebhookTargets>();
        services.AddSingleton<WebhookSender>();
        services.AddSingleton<WebhookMetrics>();
        return services.AddHostedService<WebhookDispatcher>()
            .AddDuty<ProgressReports>("webhook progress", provider => TimeSpan.FromSeconds(Settings(provider).ProgressSeconds), (reports, ct) => reports.PassAsync(ct))
            .AddSingleton<WebhookRetention>()
            .AddDuty<WebhookRetention>("webhook retention", TimeSpan.FromMinutes(10), (retention, ct) => retention.PassAsync(ct));
    }

    private static WebhookOptions Settings(IServiceProvider provider) => provider.GetRequiredService<IOptions<WebhookOptions>>().Value;
}

/// <summary>Deletes deliveries that ended long ago.</summary>
public sealed class WebhookRetention(DeliveryLog log, IOptions<WebhookOptions> options)
{
    public Task PassAsync(CancellationToken ct) => log.ForgetAsync(TimeSpan.FromDays(options.Value.KeepDays), ct);
}
