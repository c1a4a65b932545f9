using Lifecycle.Store;
using Microsoft.Extensions.Options;

namespace Streaming.Api.Live;

internal static class LiveServices
{
    /// <summary>Live streams: what is being watched, read from the database as it grows.</summary>
    public static IServiceCollection AddLiveStreams(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<LiveOptions>, LiveOptionsValidator>();
        services.AddOptions<LiveOptions>().BindConfiguration(LiveOptions.Section).ValidateOnStart();
        services.Configure<RouteOptions>(routes => routes.SetParameterPolicy<StreamIdConstraint>(StreamIdConstraint.Name));
        services.AddStreamStore();
        services.AddSingleton<LiveMetrics>().AddSingleton<LiveStreamCache>().AddSingleton<LiveEndpoints>();
        return services.AddHostedService(provider => provider.GetRequiredService<LiveStreamCache>());
    }
}
