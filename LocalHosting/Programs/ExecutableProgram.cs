using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;

namespace LocalHosting.Programs;

/// <summary>A command of the model, as it is.</summary>
internal sealed class ExecutableProgram(ExecutableResource resource) : IProgram
{
    public IReadOnlyList<RequiredFile> Requires => [];

    public async Task StartAsync(ReplicaContext context, CancellationToken ct) => await context.LaunchAsync(new(resource.Command, context.Args)
    {
        Environment = context.Environment.ToDictionary(e => e.Key, e => (string?)e.Value, StringComparer.Ordinal),
        WorkingDirectory = resource.WorkingDirectory,
    });
}
