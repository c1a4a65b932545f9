using Lifecycle.Contracts.Live;
using Lifecycle.Store;
using Lifecycle.Store.Live;
using Microsoft.Extensions.Options;

namespace Live.Api.Orchestration;

internal static class OrchestrationServices
{
    public static IServiceCollection AddOrchestration(this IServiceCollection services)
    {
        services.AddOptions<OrchestrationOptions>().BindConfiguration(OrchestrationOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<OrchestrationOptions>, OrchestrationOptionsValidator>();
        services.AddSingleton(provider =>
        {
            var streams = provider.GetRequiredService<IOptions<StreamOptions>>().Value;
            return new IngestUrls([streams.IngestUrl, streams.IngestPullUrl], streams.AllowedHosts);
        });
        services.AddSingleton<OrchestrationMetrics>();
        services.AddSingleton<ProvisionSteps>();
        services.AddSingleton<Orchestrator>();
        services.AddDuty<Orchestrator>("stream-orchestrator", Orchestrator.Poll, (orchestrator, ct) => orchestrator.PassAsync(ct));
        services.AddSingleton<WakeListener>();
        return services.AddHostedService(provider => provider.GetRequiredService<WakeListener>());
    }
}
