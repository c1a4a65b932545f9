using System.Globalization;
using System.Reflection;
using Aspire.Hosting;
using LocalHosting.Engine;
using LocalHosting.Model;
using LocalHosting.Processes;

namespace LocalHosting.Programs;

/// <summary>A project's built output, run by the `dotnet` that runs the AppHost. Nothing is built here: the AppHost's build has done it.</summary>
internal sealed class ProjectProgram(ProjectAnnotation annotation, Assembly appHost) : IProgram
{
    private readonly string _project = annotation.Project.ProjectPath;

    public IReadOnlyList<RequiredFile> Requires => [];

    public async Task StartAsync(ReplicaContext context, CancellationToken ct)
    {
        var environment = context.Environment.ToDictionary(e => e.Key, e => (string?)e.Value, StringComparer.Ordinal);
        var urls = context.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.Transport is "http")
            .Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Scheme}://{LocalAddress.Host}:{context.Port(e)}"));
        // Without an endpoint any free port: Kestrel's default would collide between replicas.
        environment["ASPNETCORE_URLS"] = string.Join(';', urls) is { Length: > 0 } some ? some : $"http://{LocalAddress.Host}:0";
        // As systemd has it: a folder that is this replica's alone, for services that keep something on disk.
        environment["STATE_DIRECTORY"] = await context.DataFolderAsync(ct);
        // No copy of the engine's own shape: these would bind every replica to the AppHost's ports.
        environment["HTTP_PORTS"] = environment["ASPNETCORE_HTTP_PORTS"] = null;
        await context.LaunchAsync(new(DotnetHost(), [Output(), .. context.Args])
        {
            Environment = environment,
            WorkingDirectory = Path.GetDirectoryName(_project)!,
        });
    }

    /// <summary>Where the build has put the project: written into the assembly that refers to it, so any artifacts folder or configuration is right.</summary>
    private string Output()
    {
        var key = "LocalHosting.Output:" + Path.GetFileNameWithoutExtension(_project);
        var output = ApplicationBuilder.Metadata(annotation.Project.GetType().Assembly, key) ?? ApplicationBuilder.Metadata(appHost, key)
            ?? throw new DistributedApplicationException($"{_project} is not a ProjectReference of {appHost.GetName().Name}, so its output is not known.");
        return File.Exists(output) ? output : throw new DistributedApplicationException($"{output} is missing: build the solution first.");
    }

    private static string DotnetHost() =>
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
        ?? (Path.GetFileName(Environment.ProcessPath) is "dotnet" ? Environment.ProcessPath : null)
        ?? "dotnet";
}
