using Lifecycle.Contracts.Tasks;
using Lifecycle.Store.Chunks;
using Lifecycle.Store.Database;
using Lifecycle.Store.Edge;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Idempotency;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Limiting;
using Lifecycle.Store.Live;
using Lifecycle.Store.Messaging;
using Lifecycle.Store.Monitoring;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Outbox;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Uploads;
using Lifecycle.Store.Videos;
using Lifecycle.Store.Webhooks;
using Lifecycle.Store.Workers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Lifecycle.Store;

public static class StoreServices
{
    /// <summary>The lifecycle's stores over the NpgsqlDataSource, IConnectionFactory and IAmazonS3 that are registered already.</summary>
    public static IServiceCollection AddLifecycleStore(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<RetrySchedule>();
        services.TryAddSingleton(QuotaPolicy.None);
        services.AddSingleton<OutboxSignal>();
        services.AddSingleton<WebhookSignal>();
        services.AddSingleton<LifecycleDatabase>();
        services.AddSingleton<Migrations>();
        services.AddSingleton<ObjectStore>();
        services.AddSingleton<Broker>();
        services.AddSingleton<FaultPoints>();
        services.AddSingleton<RateBuckets>();
        services.AddSingleton<Quotas>();
        services.AddSingleton<UploadStore>();
        services.AddSingleton<UploadSessions>();
        services.AddSingleton<ChunkUploads>();
        services.AddSingleton<EdgeCopies>();
        services.AddSingleton<UploadLocks>();
        services.AddSingleton<IdempotencyStore>();
        services.AddSingleton<VideoStore>();
        services.AddSingleton<VideoLibrary>();
        services.AddSingleton<TaskQueue>();
        services.AddSingleton<TaskOutcomes>();
        services.AddSingleton<Rescuer>();
        services.AddSingleton<Sweeper>();
        services.AddSingleton<DeadLetters>();
        services.AddSingleton<JobStore>();
        services.AddSingleton<JobDependencies>();
        services.AddSingleton<WorkerRegistry>();
        services.AddSingleton<WorkerIdentity>();
        services.AddSingleton<PlatformFigures>();
        services.AddSingleton<WebhookOutbox>();
        services.AddSingleton<WebhookStore>();
        services.AddSingleton<DeliveryLog>();
        services.AddSingleton<DeliveryQueue>();
        services.AddSingleton<ProgressReports>();
        return services;
    }

    /// <summary>What Live.Api, the workers and Streaming.Api know of live streams.</summary>
    public static IServiceCollection AddStreamStore(this IServiceCollection services)
    {
        services.AddOptions<StreamOptions>().BindConfiguration(StreamOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<StreamOptions>, StreamOptionsValidator>();
        services.AddSingleton<StreamStore>();
        services.AddSingleton<StreamUpdates>();
        services.AddSingleton<WorkflowStore>();
        return services.AddSingleton<StreamMoves>().AddSingleton<LiveCatalogue>();
    }

    /// <summary>What an encoder keeps of a stream: the workers have it beside <see cref="AddStreamStore"/>.</summary>
    public static IServiceCollection AddLiveStore(this IServiceCollection services) => services
        .AddSingleton<PlayKeys>()
        .AddSingleton<LiveSessionQueue>()
        .AddSingleton<LiveSegments>()
        .AddSingleton<LiveRecordings>()
        .AddSingleton<LiveSweeper>();

    /// <summary>For every process that writes: schema and bucket first, then the relay of its outbox rows. Readers start without, whatever is away.</summary>
    public static IServiceCollection AddOutboxRelay(this IServiceCollection services) => services.AddHostedService<StoreInitializer>().AddHostedService<OutboxRelay>();

    /// <summary>Has <typeparamref name="THandler"/> hear every change of every video.</summary>
    public static IServiceCollection AddVideoEvents<THandler>(this IServiceCollection services)
        where THandler : class, IVideoEventsHandler
    {
        services.AddSingleton<THandler>();
        services.AddSingleton<IVideoEventsHandler>(provider => provider.GetRequiredService<THandler>());
        return services.AddHostedService<VideoEventsListener>();
    }
}
