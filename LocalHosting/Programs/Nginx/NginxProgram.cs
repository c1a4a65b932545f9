using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using LocalHosting.Model;
using LocalHosting.Processes;

namespace LocalHosting.Programs;

/// <summary>
/// The image `nginx` as Debian's nginx: the templates mounted into /etc/nginx/templates are filled with the resource's environment variables, as
/// the image's entry point does it, and the image's paths and ports become those of this machine.
/// </summary>
internal sealed class NginxProgram : IProgram
{
    private const string TemplateFolder = "/etc/nginx/templates";
    private const string CacheFolder = "/var/cache/nginx";
    private const string AccessLog = "/var/log/nginx/access.log";
    private const int MaxWorkers = 2; // beside encoders that want the same cores; one already fills a loopback

    private string? _accessLog;

    public IReadOnlyList<RequiredFile> Requires => [NginxTemplate.RequiredServer];

    public string? User => "www-data";

    public async Task StartAsync(ReplicaContext context, CancellationToken ct)
    {
        var folder = await context.DataFolderAsync(ct);
        foreach (var name in (string[])["conf.d", "temp", "cache"])
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            await context.GiveAsync(Path.Combine(folder, name), ct);
        }

        foreach (var old in Directory.EnumerateFiles(Path.Combine(folder, "conf.d")))
            File.Delete(old);
        foreach (var (name, template) in Templates(context.Resource))
            await File.WriteAllTextAsync(Path.Combine(folder, "conf.d", name), Localize(NginxTemplate.Fill(await File.ReadAllTextAsync(template, ct), context.Environment), context, folder), ct);
        var main = (await EmbeddedText.ReadAsync("nginx.conf", ct))
            .Replace("{DATA}", folder, StringComparison.Ordinal)
            .Replace("{WORKERS}", Math.Min(MaxWorkers, Environment.ProcessorCount).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(folder, "nginx.conf"), main, ct);

        _accessLog = Path.Combine(folder, "access.log");
        await context.LaunchAsync(new(NginxTemplate.Server, ["-p", folder, "-c", Path.Combine(folder, "nginx.conf"), "-e", "stderr"])
        {
            WorkingDirectory = folder,
            StopGrace = TimeSpan.FromSeconds(2), // TERM closes connections at once; clients are going, too
        });
    }

    private static IEnumerable<(string Name, string Template)> Templates(IResource resource)
    {
        const string Extension = ".template";
        foreach (var mount in resource.Annotations.OfType<MountAnnotation>().Where(m => m.IsBind && m.Target.StartsWith(TemplateFolder, StringComparison.Ordinal)))
        {
            var files = Directory.Exists(mount.Source)
                ? Directory.EnumerateFiles(mount.Source, "*" + Extension).Select(f => (Path.GetFileName(f), f))
                : [(Path.GetFileName(mount.Target), mount.Source!)];
            foreach (var (target, source) in files)
            {
                if (!File.Exists(source))
                    throw new DistributedApplicationException($"{source}, mounted into '{resource.Name}', does not exist.");
                yield return (target.EndsWith(Extension, StringComparison.Ordinal) ? target[..^Extension.Length] : target, source);
            }
        }
    }

    /// <summary>In the container a folder is mounted; here the configuration itself is told where it is.</summary>
    private static string Localize(string configuration, ReplicaContext context, string folder) => context.Resource.Annotations.OfType<MountAnnotation>()
        .Where(m => m.IsBind && !m.Target.StartsWith(TemplateFolder, StringComparison.Ordinal))
        .Aggregate(
            NginxTemplate.Listen(configuration, context).Replace(CacheFolder, Path.Combine(folder, "cache"), StringComparison.Ordinal).Replace(AccessLog, Path.Combine(folder, "access.log"), StringComparison.Ordinal),
            (text, m) => text.Replace(m.Target, m.Source, StringComparison.Ordinal));

    /// <summary>nginx does not bound its log: one that has grown is set aside, and nginx opens a new one.</summary>
    public void Maintain(ReplicaContext context)
    {
        const long MaxBytes = 50 * 1024 * 1024;
        if (context.Processes is not [var nginx] || _accessLog is not { } file || !File.Exists(file) || new FileInfo(file).Length < MaxBytes)
            return;
        File.Move(file, file + ".1", overwrite: true);
        Native.Signal(nginx.Pid, UnixSignal.USR1);
    }
}
