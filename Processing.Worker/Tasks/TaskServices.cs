using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Microsoft.Extensions.Options;
using Processing.Worker.Distribution;
using Processing.Worker.Edge;
using Processing.Worker.Media;
using Processing.Worker.Sources;

namespace Processing.Worker.Tasks;

public static class TaskServices
{
    public static IServiceCollection AddTasks(this IServiceCollection services)
    {
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<WorkerOptions>>().Value.RetryDelaysSeconds is { Count: > 0 } delays
            ? new RetrySchedule { Delays = [.. delays.Select(TimeSpan.FromSeconds)] }
            : new RetrySchedule());

        services.AddOptions<TranscoderOptions>().BindConfiguration(TranscoderOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<TranscoderOptions>, TranscoderOptionsValidator>();

        // The media engine: local files in, local files out.
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<TranscoderOptions>>().Value.Programs);
        services.AddSingleton<FfmpegRunner>();
        services.AddSingleton<MediaPlanner>();
        services.AddSingleton<ChunkEncoder>();
        services.AddSingleton<AudioEncoder>();
        services.AddSingleton<StoryboardBuilder>();
        services.AddSingleton<OutputMuxer>();
        services.AddSingleton<EncoderList>();

        // What surrounds it: scratch, sources, inputs and outputs, and a handler for each kind of task: jobs differ in how they end.
        services.AddSingleton<ScratchSpace>();
        services.AddSingleton<SourceCache>();
        services.AddSingleton<TaskInputs>();
        services.AddSingleton<TrackFiles>();
        services.AddSingleton<OutputWriter>();
        services.AddSingleton<TaskRunner>();
        services.AddDistribution().AddEdge();
        foreach (var job in Enum.GetValues<JobKind>())
        {
            services.AddKeyedSingleton<ITaskHandler, PlanTask>((job, TaskKind.Plan));
            services.AddKeyedSingleton<ITaskHandler, ChunkTask>((job, TaskKind.Chunk));
            services.AddKeyedSingleton<ITaskHandler, AudioTask>((job, TaskKind.Audio));
        }

        services.AddKeyedSingleton<ITaskHandler, FinalizeTask>((JobKind.Ingest, TaskKind.Finalize));
        services.AddKeyedSingleton<ITaskHandler, MuxTask>((JobKind.Transcode, TaskKind.Finalize));
        services.AddKeyedSingleton<ITaskHandler, DistributeTask>((JobKind.Distribute, TaskKind.Finalize));
        return services;
    }
}
