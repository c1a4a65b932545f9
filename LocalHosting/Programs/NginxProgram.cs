using System.Globalization;
using System.Text.RegularExpressions;
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
internal sealed partial class NginxProgram : IProgram
{
    private const string TemplateFolder = "/etc/nginx/templates";
    private const string CacheFolder = "/var/cache/nginx";
    private const int MaxWorkers = 2; // beside encoders that want the same cores; one already fills a loopback

    private string? _accessLog;

    public IReadOnlyList<RequiredFile> Requires => [new("/usr/sbin/nginx", "nginx-light")];

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
            await File.WriteAllTextAsync(Path.Combine(folder, "conf.d", name), Localize(Fill(await File.ReadAllTextAsync(template, ct), context.Environment), context, folder), ct);
        var main = (await EmbeddedText.ReadAsync("nginx.conf", ct))
            .Replace("{DATA}", folder, StringComparison.Ordinal)
            .Replace("{WORKERS}", Math.Min(MaxWorkers, Environment.ProcessorCount).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(folder, "nginx.conf"), main, ct);

        _accessLog = Path.Combine(folder, "access.log");
        await context.LaunchAsync(new("/usr/sbin/nginx", ["-p", folder, "-c", Path.Combine(folder, "nginx.conf"), "-e", "stderr"])
        {
            WorkingDirectory = folder,
            StopGrace = TimeSpan.FromSeconds(2), // TERM closes connections at once; clients are going, too
        });
    }

    /// <summary>envsubst as the image calls it: <c>$NAME</c> and <c>${NAME}</c>, only for variables that are defined; nginx's own stay.</summary>
    public static string Fill(string template, IReadOnlyDictionary<string, string> variables) => Variable().Replace(template, match =>
        variables.TryGetValue(match.Groups["name"].Value, out var value) ? value : match.Value);

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

    /// <summary>In the container a port is mapped and a folder mounted; here the configuration itself is told where they are.</summary>
    private static string Localize(string configuration, ReplicaContext context, string folder)
    {
        foreach (var endpoint in context.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.TargetPort is not null))
        {
            configuration = Regex.Replace(
                configuration,
                string.Create(CultureInfo.InvariantCulture, $@"(?m)^(\s*listen\s+)(?:[\w.*]+:)?{endpoint.TargetPort}\b"),
                string.Create(CultureInfo.InvariantCulture, $"${{1}}{LocalAddress.Host}:{context.Port(endpoint)}"),
                RegexOptions.None,
                TimeSpan.FromSeconds(1));
        }

        configuration = configuration.Replace(CacheFolder, Path.Combine(folder, "cache"), StringComparison.Ordinal);
        return context.Resource.Annotations.OfType<MountAnnotation>()
            .Where(m => m.IsBind && !m.Target.StartsWith(TemplateFolder, StringComparison.Ordinal))
            .Aggregate(configuration, (text, m) => text.Replace(m.Target, m.Source, StringComparison.Ordinal));
    }

    /// <summary>nginx does not bound its log: one that has grown is set aside, and nginx opens a new one.</summary>
    public void Maintain(ReplicaContext context)
    {
        const long MaxBytes = 50 * 1024 * 1024;
        if (context.Processes is not [var nginx] || _accessLog is not { } file || !File.Exists(file) || new FileInfo(file).Length < MaxBytes)
            return;
        File.Move(file, file + ".1", overwrite: true);
        Native.Signal(nginx.Pid, UnixSignal.USR1);
    }

    [GeneratedRegex(@"\$(?:\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?<name>[A-Za-z_][A-Za-z0-9_]*))", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Variable();
}
