namespace Bench;

/// <summary>What a node loses by 50,000 small and 3,000 full chunks (6 GB): in the rate of its PUTs, and in the time of its start. Two nodes that stand alone, one with them and one empty.</summary>
internal static class HeldChunks
{
    private const int SmallBytes = 256;
    private const double AimedRate = 0.9;
    private const double AimedSeconds = 2;

    public static async Task RunAsync(Session session, HttpClient http, CancellationToken ct)
    {
        var (small, full) = session.Quick ? (1000, 20) : (50_000, 3000);
        var (folder, other) = (Folder(session, "held"), Folder(session, "empty"));
        await using (var node = await StartAsync(http, folder, ct))
        {
            ChunkTarget target = new(http, node.Address, "/chunk/");
            await target.FillAsync(small, SmallBytes, ct);
            await target.FillAsync(full, ct);
            await node.StopAsync(ct);
        }

        Session.Print($"{small} chunks of {SmallBytes} bytes and {full} of 2 MiB: {Bytes(folder) / 1e9:0.0} GB in {Directory.GetFiles(folder).Length} files");
        await MeasureStartsAsync(session, http, folder, other, ct);
        await MeasurePutsAsync(session, http, folder, other, ct);
        Directory.Delete(folder, recursive: true);
        Directory.Delete(other, recursive: true);
    }

    /// <summary>From exec to the first 200 of /health: after SIGTERM, after SIGKILL, with the files out of the page cache, and of an empty node, which is what the runtime takes.</summary>
    private static async Task MeasureStartsAsync(Session session, HttpClient http, string folder, string other, CancellationToken ct)
    {
        List<double> orderly = [], killed = [], cold = [], empty = [];
        for (var run = 0; run < (session.Quick ? 1 : 5); run++)
        {
            await UncachedAsync(session, folder, ct);
            await OnceAsync(folder, cold, kill: false);
            await OnceAsync(folder, orderly, kill: true);
            await OnceAsync(folder, killed, kill: false);
            await OnceAsync(other, empty, kill: false);
        }

        Session.Print($"seconds from exec to the first 200 of /health (aim {AimedSeconds}): {new Figures(orderly).Text()} with them, {new Figures(killed).Text()} after kill -9, {new Figures(cold).Text()} not cached; {new Figures(empty).Text()} of an empty node");

        async Task OnceAsync(string of, List<double> times, bool kill)
        {
            await using var node = await StartAsync(http, of, ct);
            times.Add(node.Started.TotalSeconds);
            await (kill ? node.KillAsync() : node.StopAsync(ct));
        }
    }

    private static async Task MeasurePutsAsync(Session session, HttpClient http, string folder, string other, CancellationToken ct)
    {
        await using var held = await StartAsync(http, folder, ct);
        await using var empty = await StartAsync(http, other, ct);
        ChunkTarget full = new(http, held.Address, "/chunk/"), peer = new(http, empty.Address, "/chunk/");
        var seconds = session.Quick ? 1 : 3;
        await full.MeasureAsync("PUT", 8, 1, ct);
        await peer.MeasureAsync("PUT", 8, 1, ct);
        List<double> ratios = [], rates = [];
        for (var pair = 0; pair < (session.Quick ? 2 : 10); pair++)
        {
            var (first, second) = pair % 2 == 0 ? (full, peer) : (peer, full);
            var (a, b) = (await first.MeasureAsync("PUT", 8, seconds, ct), await second.MeasureAsync("PUT", 8, seconds, ct));
            var (mine, its) = pair % 2 == 0 ? (a, b) : (b, a);
            rates.Add(mine.PerSecond);
            ratios.Add(mine.PerSecond / its.PerSecond);
        }

        Session.Print($"PUT 2 MiB, 8 clients, to the node with them: {new Figures(rates).Text("0")}/s, over the empty one's {new Figures(ratios).Text()} (aim {AimedRate})");
    }

    private static Task<ServiceProcess> StartAsync(HttpClient http, string folder, CancellationToken ct) =>
        ServiceProcess.StartAsync(http, "Storage.Node", new Dictionary<string, string>(StringComparer.Ordinal) { ["DATA_DIR"] = folder }, ct);

    private static string Folder(Session session, string name) => Directory.CreateDirectory(Path.Combine(session.Scratch, name)).FullName;

    private static long Bytes(string folder) => Directory.EnumerateFiles(folder).Sum(file => new FileInfo(file).Length);

    /// <summary>GNU dd with <c>nocache</c> and nothing to copy gives a file's cached pages back; needs no root and touches nobody else's.</summary>
    private static async Task UncachedAsync(Session session, string folder, CancellationToken ct)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            await Tool.RunAsync(session.Scratch, ["dd", $"if={file}", "iflag=nocache", "count=0"], ct);
        }
    }
}
