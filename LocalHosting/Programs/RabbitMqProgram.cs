using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using LocalHosting.Model;
using LocalHosting.Processes;

namespace LocalHosting.Programs;

/// <summary>
/// The image `rabbitmq` as Debian's rabbitmq-server, everything on loopback and nothing outside the data folder. Erlang's port mapper is started
/// here, in the foreground and on a port of its own: the daemon that the broker would start by itself outlives it.
/// </summary>
internal sealed class RabbitMqProgram : IProgram
{
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private const string PortMapper = "/usr/bin/epmd";

    public IReadOnlyList<RequiredFile> Requires => [new(Server, "rabbitmq-server"), new(PortMapper, "rabbitmq-server")];

    public string? User => "rabbitmq";

    public async Task StartAsync(ReplicaContext context, CancellationToken ct)
    {
        var folder = await context.DataFolderAsync(ct);
        var port = context.Port(context.Endpoint(RabbitMQServerResource.PrimaryEndpointName));
        var management = context.Resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => e.Name == RabbitMQServerResource.ManagementEndpointName);
        var mapperPort = Text(context.Ports.Get(context.Resource.Name + "/epmd"));
        var config = Path.Combine(folder, "rabbitmq.conf");
        var plugins = Path.Combine(folder, "enabled_plugins");
        await WriteAsync(config, Configuration(context, port, management is null ? null : context.Port(management)));
        await WriteAsync(plugins, management is null ? "[].\n" : "[rabbitmq_management].\n");

        await context.LaunchAsync(new(PortMapper, ["-port", mapperPort, "-address", LocalAddress.Host]) { WorkingDirectory = folder, StopGrace = TimeSpan.FromSeconds(2) });
        await context.LaunchAsync(new(Server, [])
        {
            WorkingDirectory = folder,
            StopGrace = TimeSpan.FromSeconds(15),
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["HOME"] = folder,
                ["RUNNING_UNDER_SYSTEMD"] = "true", // the script becomes the Erlang machine instead of waiting for it: signals arrive, the pid is the broker's
                ["NOTIFY_SOCKET"] = null,
                ["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(folder, "rabbitmq-env.conf"), // not there: nothing from /etc
                ["RABBITMQ_NODENAME"] = $"{context.Resource.Name}@localhost",
                ["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "mnesia"),
                ["RABBITMQ_LOG_BASE"] = Path.Combine(folder, "log"),
                ["RABBITMQ_CONFIG_FILE"] = Path.ChangeExtension(config, null),
                ["RABBITMQ_ENABLED_PLUGINS_FILE"] = plugins,
                ["RABBITMQ_GENERATED_CONFIG_DIR"] = Path.Combine(folder, "generated"),
                ["RABBITMQ_PID_FILE"] = Path.Combine(folder, "pid"),
                ["RABBITMQ_DIST_PORT"] = Text(context.Ports.Get(context.Resource.Name + "/distribution")),
                ["ERL_EPMD_PORT"] = mapperPort,
                ["ERL_EPMD_ADDRESS"] = LocalAddress.Host,
                // Schedulers that spin while they wait would take a core from the encoders. Those of file I/O do spin: the boot reads 40,000 small
                // pieces of modules, and waking a thread for each made it take 7-12 s instead of 5 (measured on two virtual cores).
                ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio long",
            },
        });

        async Task WriteAsync(string file, string text)
        {
            await File.WriteAllTextAsync(file, text, ct);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await context.GiveAsync(file, ct);
        }
    }

    private static string Configuration(ReplicaContext context, int port, int? managementPort) => $"""
        listeners.tcp.1 = {LocalAddress.Host}:{port}
        default_user = {context.Environment["RABBITMQ_DEFAULT_USER"]}
        default_pass = {context.Environment["RABBITMQ_DEFAULT_PASS"]}
        log.console = true
        log.console.level = warning
        log.connection.level = error
        log.file = false
        disk_free_limit.absolute = 100MB

        """ + (managementPort is null ? "" : $"""
        management.tcp.ip = {LocalAddress.Host}
        management.tcp.port = {managementPort}

        """);

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
