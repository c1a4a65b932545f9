using Lifecycle.Contracts.Tasks;
using Microsoft.Extensions.Options;
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

        // The media engine: local files in, local files out.
        services.AddSingleton<FfmpegRunner>();
        services.AddSingleton<MediaPlanner>();
        services.AddSingleton<ChunkEncoder>();
        services.AddSingleton<AudioEncoder>();
        services.AddSingleton<StoryboardBuilder>();

        // What surrounds it: scratch, sources, inputs and outputs, and a handler for each kind of task.
        services.AddSingleton<ScratchSpace>();
        services.AddSingleton<SourceCache>();
        services.AddSingleton<TaskInputs>();
        services.AddSingleton<OutputWriter>();
        services.AddSingleton<TaskRunner>();
        services.AddKeyedSingleton<ITaskHandler, PlanTask>(TaskKind.Plan);
        services.AddKeyedSingleton<ITaskHandler, ChunkTask>(TaskKind.Chunk);
        services.AddKeyedSingleton<ITaskHandler, AudioTask>(TaskKind.Audio);
        services.AddKeyedSingleton<ITaskHandler, FinalizeTask>(TaskKind.Finalize);
        return services;
    }
}
