using Lifecycle.Contracts.Media;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;

namespace Processing.Worker.Tasks;

/// <summary>A running task: what it is, where it may write, and when it must stop.</summary>
/// <param name="Scratch">A folder of this lease alone.</param>
/// <param name="Progress">Takes 0 to 1; the beat carries it up.</param>
/// <param name="Stop">Ends when the lease is lost, the job was stopped or the worker stops.</param>
public sealed record TaskContext(ClaimedTask Task, string Scratch, IProgress<double> Progress, CancellationToken Stop)
{
    /// <summary>Where a file of this lease is stored.</summary>
    public StoredObject Stored(MediaFile file) => Stored(file, Task.LeaseToken);

    /// <summary>Where a file of another lease of the same version was stored.</summary>
    public StoredObject Stored(MediaFile file, long leaseToken) =>
        new(ObjectKeys.Output(Task.VideoId, Task.Version, leaseToken, file.Name), file.Bytes, file.Sha256, file.ContentType);
}

/// <summary>What one kind of task does. It ends its own run, because what that commits differs.</summary>
public interface ITaskHandler
{
    Task<RunEnd> RunAsync(TaskContext context);
}
