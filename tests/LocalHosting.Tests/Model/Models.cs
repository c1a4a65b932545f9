using Aspire.Hosting;

namespace LocalHosting.Tests.Model;

internal static class Models
{
    /// <summary>A builder whose AppHost directory is the golden one, as no project built this assembly as an AppHost.</summary>
    public static IDistributedApplicationBuilder Create(params string[] args) => DistributedApplication.CreateBuilder(new DistributedApplicationOptions
    {
        Args = args,
        ProjectDirectory = Path.Combine(GoldenModel.Root, "VideoPlatform.AppHost"),
    });
}

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("local-hosting-tests-").FullName;

    /// <summary>Servers run as other users: they must be able to walk through.</summary>
    public TemporaryFolder() => File.SetUnixFileMode(Path, (UnixFileMode)Convert.ToInt32("755", 8));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
