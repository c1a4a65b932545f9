using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting;
using LocalHosting.Engine;
using LocalHosting.Model;
using LocalHosting.Processes;

namespace LocalHosting.Programs;

/// <summary>
/// The image `minio/minio` as Debian's Ceph: a monitor, one OSD on a sparse file and the S3 gateway. Each step that is done once leaves a mark,
/// written after it, so that a cut anywhere is continued at the next start.
/// </summary>
internal sealed class CephProgram : IProgram
{
    private const string Endpoint = "api";
    private const long StoreBytes = 200L * 1024 * 1024 * 1024; // sparse: takes what is stored, as far as the disk goes
    private const long EphemeralStoreBytes = 20L * 1024 * 1024 * 1024;
    private const int OsdPorts = 30;

    public IReadOnlyList<RequiredFile> Requires =>
    [
        new("/usr/bin/ceph-mon", "ceph-mon"), new("/usr/bin/ceph-osd", "ceph-osd"), new("/usr/bin/radosgw", "radosgw"), new("/usr/bin/radosgw-admin", "radosgw"),
        new("/usr/bin/ceph", "ceph-common"), new("/usr/bin/ceph-authtool", "ceph-common"), new("/usr/bin/monmaptool", "ceph-common"),
    ];

    public string? User => "ceph";

    /// <summary>The gateway listens once it is connected to the store, and then answers the root.</summary>
    public string MapHealthPath(string path) => path.StartsWith("/minio/health/", StringComparison.Ordinal) ? "/" : path;

    public async Task StartAsync(ReplicaContext context, CancellationToken ct)
    {
        var folder = await context.DataFolderAsync(ct);
        var steps = new Steps(context, folder);
        var monPort = context.Ports.Get(context.Resource.Name + "/mon");
        await steps.WriteConfigurationAsync(monPort, ct);
        await steps.MakeMonitorAsync(monPort, ct);
        await context.LaunchAsync(steps.Daemon("ceph-mon", "-i", "a", "-f"));
        await steps.MakeStoreAsync(ct);
        await context.LaunchAsync(steps.Daemon("ceph-osd", "-i", "0", "-f"));
        await steps.SetKeyAsync(ct);
        await context.LaunchAsync(steps.Daemon("radosgw", "-n", "client.admin", "-f"));
    }

    private sealed class Steps(ReplicaContext context, string folder)
    {
        private string Config => InData("ceph.conf");

        public ProcessSpec Daemon(string program, params string[] args) => new("/usr/bin/" + program, ["-c", Config, .. args])
        {
            WorkingDirectory = folder,
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["HOME"] = folder },
            StopGrace = TimeSpan.FromSeconds(3), // safe to kill at any time; a graceful end only spares the recovery
        };

        public async Task WriteConfigurationAsync(int monPort, CancellationToken ct)
        {
            foreach (var name in (string[])["mon", "osd", "rgw", "log", "crash"])
                await FolderAsync(name, ct);
            if (!File.Exists(InData("fsid")))
                await WriteAsync("fsid", Guid.NewGuid().ToString(), ct);
            var osdPort = context.Ports.Get(context.Resource.Name + "/osd", OsdPorts);
            var values = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["{DATA}"] = folder,
                ["{FSID}"] = await File.ReadAllTextAsync(InData("fsid"), ct),
                ["{MON_PORT}"] = Text(monPort),
                ["{OSD_PORT_FIRST}"] = Text(osdPort),
                ["{OSD_PORT_LAST}"] = Text(osdPort + OsdPorts - 1),
                ["{S3_PORT}"] = Text(context.Port(context.Endpoint(Endpoint))),
                ["{STORE_BYTES}"] = Text(context.IsEphemeral ? EphemeralStoreBytes : StoreBytes),
            };
            var template = await EmbeddedText.ReadAsync("ceph.conf", ct);
            await WriteAsync("ceph.conf", values.Aggregate(template, (text, v) => text.Replace(v.Key, v.Value, StringComparison.Ordinal)), ct);
        }

        /// <summary>Once: the monitor's store and the keys of all daemons.</summary>
        public async Task MakeMonitorAsync(int port, CancellationToken ct)
        {
            if (File.Exists(Mark("mon")))
            {
                // The monitor's own address lies in its store.
                var made = await File.ReadAllTextAsync(Mark("mon"), ct);
                if (made != Text(port))
                    throw new DistributedApplicationException($"{folder} was made for the monitor port {made}, not {port}: restore ports.json beside it, or remove the folder.");
                return;
            }

            await FolderAsync("mon", ct, clear: true);
            File.Delete(InData("keyring"));
            await ToolAsync("monmaptool", ct, "--create", "--clobber", "--fsid", await File.ReadAllTextAsync(InData("fsid"), ct), "--addv", "a", $"[v2:{LocalAddress.Host}:{port}]", InData("monmap"));
            await ToolAsync("ceph-authtool", ct, "--create-keyring", InData("keyring"), "--gen-key", "-n", "mon.", "--cap", "mon", "allow *");
            await ToolAsync("ceph-authtool", ct, InData("keyring"), "--gen-key", "-n", "client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *");
            await ToolAsync("ceph-authtool", ct, InData("keyring"), "--gen-key", "-n", "osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *", "--cap", "mgr", "allow profile osd");
            await ToolAsync("ceph-mon", ct, "-c", Config, "--mkfs", "-i", "a", "--monmap", InData("monmap"), "--keyring", InData("keyring"));
            await File.WriteAllTextAsync(Mark("mon"), Text(port), ct);
        }

        /// <summary>Once: the OSD. Later: tells the monitor that the old OSD is gone, so that the gateway waits for the new one instead of timing out (15 s).</summary>
        public async Task MakeStoreAsync(CancellationToken ct)
        {
            if (File.Exists(Mark("osd")))
            {
                await ToolAsync("ceph", ct, "-c", Config, "--connect-timeout", "30", "osd", "down", "0");
                return;
            }

            await FolderAsync("osd", ct, clear: true);
            if (!File.Exists(InData("osd.uuid")))
                await WriteAsync("osd.uuid", Guid.NewGuid().ToString(), ct);
            var uuid = await File.ReadAllTextAsync(InData("osd.uuid"), ct);
            await ToolAsync("ceph", ct, "-c", Config, "--connect-timeout", "30", "osd", "new", uuid, "0");
            await ToolAsync("ceph-osd", ct, "-c", Config, "-i", "0", "--mkfs", "--osd-uuid", uuid);
            await File.WriteAllTextAsync(Mark("osd"), uuid, ct);
        }

        /// <summary>The S3 user and its key: once, and again when the key in the model changes.</summary>
        public async Task SetKeyAsync(CancellationToken ct)
        {
            var access = context.Environment["MINIO_ROOT_USER"];
            var secret = context.Environment["MINIO_ROOT_PASSWORD"];
            var wanted = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{access}:{secret}")));
            if (File.Exists(Mark("key")) && await File.ReadAllTextAsync(Mark("key"), ct) == wanted)
                return;
            string[] key = ["--uid=platform", "--access-key=" + access, "--secret-key=" + secret];
            try
            {
                await ToolAsync("radosgw-admin", ct, ["-c", Config, "user", "create", "--display-name=platform", .. key]);
            }
            catch (DistributedApplicationException)
            {
                await ToolAsync("radosgw-admin", ct, ["-c", Config, "key", "create", "--key-type=s3", .. key]);
            }

            await File.WriteAllTextAsync(Mark("key"), wanted, ct);
        }

        private Task ToolAsync(string program, CancellationToken ct, params string[] args) => context.RunAsync(
            new("/usr/bin/" + program, args)
            {
                WorkingDirectory = folder,
                Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["HOME"] = folder },
                StopGrace = TimeSpan.FromSeconds(1),
            },
            ct);

        private string InData(string name) => Path.Combine(folder, name);

        private string Mark(string step) => InData(step + ".done");

        private async Task FolderAsync(string name, CancellationToken ct, bool clear = false)
        {
            if (clear && Directory.Exists(InData(name)))
                Directory.Delete(InData(name), recursive: true);
            if (Directory.Exists(InData(name)))
                return;
            Directory.CreateDirectory(InData(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            await context.GiveAsync(InData(name), ct);
        }

        private async Task WriteAsync(string name, string text, CancellationToken ct)
        {
            await File.WriteAllTextAsync(InData(name), text, ct);
            await context.GiveAsync(InData(name), ct);
        }

        private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
    }
}
