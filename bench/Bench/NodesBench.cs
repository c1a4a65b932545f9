namespace Bench;

/// <summary>
/// Chunks of 2 MiB to and from one node of the chunk store, against nginx on the same disk: WebDAV PUT, which acknowledges without an fsync, and
/// static GET. Then what a node that holds much loses by it.
/// </summary>
internal static class NodesBench
{
    private static readonly int[] _clients = [1, 8];

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        using HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64 });
        var ratio = await BesideNginxAsync(session, http, ct);
        await HeldChunks.RunAsync(session, http, ct);
        return ratio;
    }

    private static async Task<double> BesideNginxAsync(Session session, HttpClient http, CancellationToken ct)
    {
        var files = Directory.CreateDirectory(Path.Combine(session.Scratch, "peer")).FullName;
        File.SetUnixFileMode(files, (UnixFileMode)0b111_111_111); // nginx writes there as another user
        var platform = await session.StartAsync(new(PeerFiles: files), ct);
        await platform.StopAsync("processing-worker", ct);
        var seconds = session.Quick ? 1 : 3;
        ChunkTarget node = new(http, platform.Endpoint("storage-node-1"), "/chunk/"), nginx = new(http, platform.Endpoint("peer"), "/");
        List<double> ratios = [];
        foreach (var clients in _clients)
        {
            foreach (var target in (ChunkTarget[])[node, nginx])
            {
                await target.MeasureAsync("PUT", clients, 1, ct);
                await target.MeasureAsync("GET", clients, 1, ct);
            }

            foreach (var method in (string[])["PUT", "GET"])
            {
                List<ChunkRate> nodes = [], peers = [];
                while (nodes.Count < (session.Quick ? 2 : 6))
                {
                    nodes.Add(await node.MeasureAsync(method, clients, seconds, ct));
                    peers.Add(await nginx.MeasureAsync(method, clients, seconds, ct));
                }

                Figures ratio = new(nodes.Zip(peers, (one, peer) => one.PerSecond / peer.PerSecond));
                Session.Print($"{method} 2 MiB, {clients} clients: node {new Figures(nodes.Select(one => one.PerSecond)).Text("0")}/s (p50 {Median(nodes, one => one.P50):0.0}, p99 {Median(nodes, one => one.P99):0.0} ms), nginx {new Figures(peers.Select(one => one.PerSecond)).Text("0")}/s (p99 {Median(peers, one => one.P99):0.0} ms), ratio {ratio.Text()}");
                ratios.Add(ratio.Median);
            }
        }

        await session.EndAsync(platform);
        Directory.Delete(files, recursive: true);
        return ratios.Min();
    }

    private static double Median(List<ChunkRate> rates, Func<ChunkRate, double> of) => new Figures(rates.Select(of)).Median;
}
