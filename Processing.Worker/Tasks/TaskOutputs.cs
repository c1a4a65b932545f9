using System.Text.Json;
using System.Text.Json.Serialization;
using Lifecycle.Contracts.Media;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;

namespace Processing.Worker.Tasks;

/// <summary>A task's committed result. Its files stand under the lease's token.</summary>
public sealed record TaskOutput<T>(long LeaseToken, T Result);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TaskOutput<MediaPlan>))]
[JsonSerializable(typeof(TaskOutput<ChunkResult>))]
[JsonSerializable(typeof(TaskOutput<AudioResult>))]
[JsonSerializable(typeof(SourceInfo))]
internal sealed partial class TaskJson : JsonSerializerContext;

/// <summary>Reads what the tasks before have committed.</summary>
public sealed class TaskInputs(TaskOutcomes outcomes)
{
    public async Task<TaskOutput<MediaPlan>> PlanAsync(ClaimedTask task, CancellationToken ct) =>
        JsonSerializer.Deserialize((await outcomes.OutputsAsync(task.JobId, TaskKind.Plan, ct)).Single(), TaskJson.Default.TaskOutputMediaPlan)!;

    public async Task<IReadOnlyList<TaskOutput<ChunkResult>>> ChunksAsync(ClaimedTask task, CancellationToken ct) =>
        [.. (await outcomes.OutputsAsync(task.JobId, TaskKind.Chunk, ct)).Select(json => JsonSerializer.Deserialize(json, TaskJson.Default.TaskOutputChunkResult)!)];

    public async Task<TaskOutput<AudioResult>?> AudioAsync(ClaimedTask task, CancellationToken ct) =>
        (await outcomes.OutputsAsync(task.JobId, TaskKind.Audio, ct)).Select(json => JsonSerializer.Deserialize(json, TaskJson.Default.TaskOutputAudioResult)!).SingleOrDefault();
}

/// <summary>Puts a task's files into the store, a few at a time.</summary>
public sealed class OutputWriter(Lifecycle.Store.Objects.ObjectStore objects, Microsoft.Extensions.Options.IOptions<WorkerOptions> options)
{
    public Task PutAsync(TaskContext context, IEnumerable<MediaFile> files) => Parallel.ForEachAsync(
        files, new ParallelOptions { MaxDegreeOfParallelism = options.Value.ParallelPuts, CancellationToken = context.Stop },
        async (file, ct) =>
        {
            var stored = context.Stored(file);
            await objects.PutFileAsync(stored.Key, file.PathIn(context.Scratch), stored.ContentType, ct);
        });
}
