using LocalHosting.Engine;

namespace Aspire.Hosting.ApplicationModel;

public static class KnownResourceCommands
{
    public static readonly string StartCommand = "resource-start";
    public static readonly string StopCommand = "resource-stop";
    public static readonly string RestartCommand = "resource-restart";
}

public sealed class ExecuteCommandResult
{
    public required bool Success { get; init; }

    public string? ErrorMessage { get; init; }
}

/// <summary>Starts, stops and restarts resources of the running application.</summary>
public class ResourceCommandService
{
    private readonly Func<LocalEngine> _engine;

    internal ResourceCommandService(Func<LocalEngine> engine) => _engine = engine;

    /// <param name="resourceId">A resource's name (all its replicas), or the id of one replica as <see cref="ResourceEvent.ResourceId"/> gives it.</param>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        var replicas = _engine().Find(resourceId);
        if (replicas.Count == 0)
            return new() { Success = false, ErrorMessage = $"Resource '{resourceId}' not found." };
        Func<ReplicaRunner, Task>? command = commandName switch
        {
            "resource-start" => r => r.StartCommandAsync(cancellationToken),
            "resource-stop" => r => r.StopCommandAsync(cancellationToken),
            "resource-restart" => r => r.RestartCommandAsync(cancellationToken),
            _ => null,
        };
        if (command is null)
            return new() { Success = false, ErrorMessage = $"Command '{commandName}' not available for resource '{resourceId}'." };
        await Task.WhenAll(replicas.Select(command));
        return new() { Success = true };
    }

    public Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return ExecuteCommandAsync(resource.Name, commandName, cancellationToken);
    }
}
