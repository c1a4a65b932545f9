using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using LocalHosting.Model;
using LocalHosting.Processes;

namespace LocalHosting.Programs;

/// <summary>
/// The image `alfg/nginx-rtmp` as Debian's nginx with the module: the whole configuration is a template that is mounted into the image. What
/// Debian has elsewhere, the module and the pid file, goes in front of it.
/// </summary>
internal sealed class NginxRtmpProgram : IProgram
{
    private const string Template = "/etc/nginx/nginx.conf.template";
    private const string Module = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

    public IReadOnlyList<RequiredFile> Requires => [NginxTemplate.RequiredServer, new(Module, "libnginx-mod-rtmp")];

    public string? User => "www-data";

    public async Task StartAsync(ReplicaContext context, CancellationToken ct)
    {
        var folder = await context.DataFolderAsync(ct);
        var configuration = NginxTemplate.Listen(NginxTemplate.Fill(await File.ReadAllTextAsync(Mounted(context.Resource), ct), context.Environment), context);
        var file = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(file, configuration, ct);
        await context.LaunchAsync(new(NginxTemplate.Server, ["-p", folder, "-c", file, "-e", "stderr", "-g", $"load_module {Module}; pid {Path.Combine(folder, "nginx.pid")};"])
        {
            WorkingDirectory = folder,
            StopGrace = TimeSpan.FromSeconds(2), // TERM closes connections at once: broadcasters come again
        });
    }

    private static string Mounted(IResource resource)
    {
        var source = resource.Annotations.OfType<MountAnnotation>().LastOrDefault(m => m.IsBind && m.Target == Template)?.Source
            ?? throw new DistributedApplicationException($"Nothing is mounted into '{resource.Name}' as {Template}.");
        return File.Exists(source) ? source : throw new DistributedApplicationException($"{source}, mounted into '{resource.Name}', does not exist.");
    }
}
