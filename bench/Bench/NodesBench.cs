using System.Diagnostics;
using System.Security.Cryptography;

namespace Bench;

/// <summary>Chunks of 2 MiB to and from one node of the chunk store, against nginx on the same disk: WebDAV PUT, which acknowledges without an fsync, and static GET.</summary>
internal static class NodesBench
{
    private const int ChunkBytes = 2 << 20;
    private const int SmallBytes = 256;
    private const int Known = 64;

    private static readonly int[] _clients = [1, 8];

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var files = Directory.CreateDirectory(Path.Combine(session.Scratch, "peer")).FullName;
        File.SetUnixFileMode(files, (UnixFileMode)0b111_111_111); // nginx writes there as another user
        var platform = await session.StartAsync(new(PeerFiles: files), ct);
        await platform.StopAsync("processing-worker", ct);
        var seconds = session.Quick ? 1 : 3;
        Target node = new("node", platform.Endpoint("storage-node-1"), "/chunk/"), nginx = new("nginx", platform.Endpoint("peer"), "/");
        using HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64 });
        List<double> ratios = [];
        foreach (var clients in _clients)
        {
            foreach (var target in (Target[])[node, nginx])
            {
                await RunAsync(http, target, "PUT", clients, 1, ct);
                await RunAsync(http, target, "GET", clients, 1, ct);
            }

            foreach (var method in (string[])["PUT", "GET"])
            {
                List<Rate> nodes = [], peers = [];
                while (nodes.Count < (session.Quick ? 2 : 6))
                {
                    nodes.Add(await RunAsync(http, node, method, clients, seconds, ct));
                    peers.Add(await RunAsync(http, nginx, method, clients, seconds, ct));
                }

                Figures ratio = new(nodes.Zip(peers, (one, peer) => one.PerSecond / peer.PerSecond));
                Session.Print($"{method} 2 MiB, {clients} clients: node {new Figures(nodes.Select(one => one.PerSecond)).Text("0")}/s (p50 {Median(nodes, one => one.P50):0.0}, p99 {Median(nodes, one => one.P99):0.0} ms), nginx {new Figures(peers.Select(one => one.PerSecond)).Text("0")}/s (p99 {Median(peers, one => one.P99):0.0} ms), ratio {ratio.Text()}");
                ratios.Add(ratio.Median);
            }
        }

        // What a node holds must not make it slower: the second node is empty.
        Target full = new("held", platform.Endpoint("storage-node-2"), "/chunk/"), empty = new("empty", platform.Endpoint("storage-node-3"), "/chunk/");
        await FillAsync(http, full, session.Quick ? 1000 : 50_000, SmallBytes, ct);
        await FillAsync(http, full, session.Quick ? 20 : 1000, ChunkBytes, ct);
        List<double> held = [];
        for (var pair = 0; pair < (session.Quick ? 2 : 6); pair++)
        {
            var (first, second) = pair % 2 == 0 ? (full, empty) : (empty, full);
            var (a, b) = (await RunAsync(http, first, "PUT", 8, seconds, ct), await RunAsync(http, second, "PUT", 8, seconds, ct));
            held.Add(pair % 2 == 0 ? a.PerSecond / b.PerSecond : b.PerSecond / a.PerSecond);
        }

        Session.Print($"PUT at 8 clients to a node with chunks over an empty one: {new Figures(held).Text()} (aim 0.9)");
        return ratios.Min();
    }

    private static double Median(List<Rate> rates, Func<Rate, double> of) => new Figures(rates.Select(of)).Median;

    private static async Task FillAsync(HttpClient http, Target target, int count, int bytes, CancellationToken ct) =>
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = ct }, async (_, token) =>
        {
            using ByteArrayContent body = new(RandomNumberGenerator.GetBytes(bytes));
            using var answer = await http.PutAsync(new Uri(target.Address, $"{target.Path}held-{Guid.NewGuid():N}"), body, token);
            answer.EnsureSuccessStatusCode();
        });

    private static async Task<Rate> RunAsync(HttpClient http, Target target, string method, int clients, int seconds, CancellationToken ct)
    {
        if (method == "GET" && target.Stored.Count == 0)
        {
            await RunAsync(http, target, "PUT", clients, 1, ct);
        }

        var body = RandomNumberGenerator.GetBytes(ChunkBytes);
        var began = Stopwatch.GetTimestamp();
        List<double>[] times = [.. Enumerable.Range(0, clients).Select(_ => new List<double>())];
        await Task.WhenAll(times.Select((mine, client) => Task.Run(async () =>
        {
            for (var i = 0; Stopwatch.GetElapsedTime(began).TotalSeconds < seconds; i++)
            {
                var started = Stopwatch.GetTimestamp();
                await (method == "PUT" ? PutAsync(http, target, body, ct) : GetAsync(http, target, (client * 7) + i, ct));
                mine.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }, ct)));
        Figures all = new(times.SelectMany(mine => mine));
        return new(times.Sum(mine => mine.Count) / Stopwatch.GetElapsedTime(began).TotalSeconds, all.Median, all.Percentile(99));
    }

    private static async Task PutAsync(HttpClient http, Target target, byte[] content, CancellationToken ct)
    {
        using ByteArrayContent body = new(content);
        var name = $"{Guid.NewGuid():N}";
        using var answer = await http.PutAsync(new Uri(target.Address, target.Path + name), body, ct);
        answer.EnsureSuccessStatusCode();
        lock (target.Stored)
        {
            if (target.Stored.Count < Known)
            {
                target.Stored.Add(name);
            }
        }
    }

    private static async Task GetAsync(HttpClient http, Target target, int i, CancellationToken ct)
    {
        using var answer = await http.GetAsync(new Uri(target.Address, target.Path + target.Stored[i % target.Stored.Count]), HttpCompletionOption.ResponseHeadersRead, ct);
        answer.EnsureSuccessStatusCode();
        await answer.Content.CopyToAsync(Stream.Null, ct);
    }

    private sealed record Rate(double PerSecond, double P50, double P99);

    private sealed record Target(string Name, Uri Address, string Path)
    {
        public List<string> Stored { get; } = [];
    }
}
