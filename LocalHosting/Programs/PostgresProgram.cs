using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using LocalHosting.Model;
using LocalHosting.Processes;

namespace LocalHosting.Programs;

/// <summary>
/// The image `postgres` as Debian's postgresql-15: same variables (POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_INITDB_ARGS), passwords over TCP on
/// loopback only, no socket. Durable settings stay as they are: tests crash it and count on them.
/// </summary>
internal sealed class PostgresProgram : IProgram
{
    private const string Bin = "/usr/lib/postgresql/15/bin/";

    public IReadOnlyList<RequiredFile> Requires => [new(Bin + "postgres", "postgresql-15"), new(Bin + "initdb", "postgresql-15")];

    /// <summary>It refuses to run as root.</summary>
    public string? User => "postgres";

    public async Task StartAsync(ReplicaContext context, CancellationToken ct)
    {
        var folder = await context.DataFolderAsync(ct);
        var data = Path.Combine(folder, "pgdata");
        if (!Directory.Exists(data))
            await CreateAsync(context, folder, data, ct);
        var port = context.Port(context.Endpoint(PostgresServerResource.PrimaryEndpointName));
        (string Name, string Value)[] settings =
        [
            ("listen_addresses", LocalAddress.Host),
            ("port", port.ToString(CultureInfo.InvariantCulture)),
            ("unix_socket_directories", ""),
            ("max_connections", "300"), // up to 20 per service process, and the tests' own
            ("shared_buffers", "128MB"),
            ("dynamic_shared_memory_type", "mmap"), // in the data folder: /dev/shm would keep segments after a kill -9
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_line_prefix", ""),
            ("log_checkpoints", "off"),
        ];
        await context.LaunchAsync(new(Bin + "postgres", ["-D", data, .. settings.SelectMany(s => (string[])["-c", $"{s.Name}={s.Value}"])])
        {
            WorkingDirectory = folder,
            StopSignal = UnixSignal.INT, // "fast": ends the sessions and writes a checkpoint; TERM would wait for every client to leave
        });
    }

    /// <summary>Made beside and renamed, so that a cut in the middle leaves no half of a database.</summary>
    private static async Task CreateAsync(ReplicaContext context, string folder, string data, CancellationToken ct)
    {
        var next = data + ".new";
        if (Directory.Exists(next))
            Directory.Delete(next, recursive: true);
        var passwordFile = Path.Combine(folder, "password.new");
        await using (var file = new FileStream(passwordFile, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        await using (var writer = new StreamWriter(file))
            await writer.WriteAsync(context.Environment["POSTGRES_PASSWORD"]);
        await context.GiveAsync(passwordFile, ct);
        string[] extra = context.Environment.GetValueOrDefault("POSTGRES_INITDB_ARGS", "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // A throwaway store is created without waiting for the disk; what is written to it afterwards is as durable as ever.
        string[] sync = context.IsEphemeral ? ["--no-sync"] : [];
        await context.RunAsync(
            new(Bin + "initdb", ["-D", next, "--username=" + context.Environment["POSTGRES_USER"], "--pwfile=" + passwordFile, "--encoding=UTF8", "--locale=C.UTF-8", .. extra, .. sync]) { WorkingDirectory = folder },
            ct);
        File.Delete(passwordFile);
        Directory.Move(next, data);
    }
}
