using Lifecycle.Store;
using Lifecycle.Store.Live;

namespace Processing.Worker.Live;

/// <summary>Live streams on the pool's workers: sessions are claimed, encoded, recorded and made videos.</summary>
public static class LiveServices
{
    public static IServiceCollection AddLive(this IServiceCollection services)
    {
        services.AddStreamStore().AddLiveStore();
        services.AddSingleton<LiveMetrics>();
        services.AddSingleton<LiveCapacity>();
        services.AddHostedService(provider => provider.GetRequiredService<LiveCapacity>());

        // A connection: what comes in, what is made of it, where that goes.
        services.AddSingleton<InputProbe>();
        services.AddSingleton<SegmentPublisher>();
        services.AddSingleton<LiveEncoder>();
        services.AddSingleton<GenerationRunner>();

        // A session: connection after connection, then the recording.
        services.AddSingleton<BroadcastRunner>();
        services.AddSingleton<RecordingJoiner>();
        services.AddSingleton<RecordingRunner>();
        services.AddHostedService<LiveLoop>();
        return services.AddDuty<LiveSweeper>("live sweeper", TimeSpan.FromSeconds(10), (sweeper, ct) => sweeper.PassAsync(ct));
    }
}
