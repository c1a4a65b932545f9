using System.Diagnostics;

namespace Bench;

/// <summary>A warm segment to 16 clients, through the gateway and straight from a replica, against nginx with the same file.</summary>
internal static class SegmentsBench
{
    private const int Clients = 16;
    private const double WantedBytes = 1.5e6;

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        // The last segment of 720p at its maximum rate is about 1.5 MB.
        var source = await Sources.VideoAsync(session, "1280x720", session.Quick ? 10 : 40, noise: 40, ct);
        var files = Directory.CreateDirectory(Path.Combine(session.Scratch, "peer")).FullName;
        var platform = await session.StartAsync(new(PeerFiles: files), ct);
        var video = await platform.UploadAsync(source, ct);
        await StatusClient.ReadyAsync(platform.Gateway, video, ct);

        var cold = await ColdAsync(platform, video, ct);
        var (path, bytes) = cold.OrderBy(each => Math.Abs(each.Bytes - WantedBytes)).Select(each => (each.Path, each.Bytes)).First();
        var delays = new Figures(cold.Select(each => each.Milliseconds));
        Session.Print($"cold: {cold.Count} segments of {cold.Min(each => each.Bytes) / 1e6:0.00} to {cold.Max(each => each.Bytes) / 1e6:0.00} MB, one at a time through the gateway: p50 {delays.Median:0.0} ms, p99 {delays.Percentile(99):0.0} ms");
        Session.Print($"warm: a segment of {bytes / 1e6:0.00} MB, {Clients} clients (wrk, on the same {Environment.ProcessorCount} cores)");

        await File.WriteAllBytesAsync(Path.Combine(files, "segment.m4s"), await platform.Http.GetByteArrayAsync(path, ct), ct);
        Dictionary<string, Uri> targets = new(StringComparer.Ordinal)
        {
            ["nginx"] = new(platform.Endpoint("peer"), "/segment.m4s"),
            ["gateway"] = new(platform.Gateway, path),
            ["replica"] = new(platform.Endpoint("streaming-api-1"), path),
        };
        foreach (var target in targets.Values)
        {
            await Load.RunAsync(session, target, Clients, seconds: 2, [], ct);
        }

        var runs = targets.Keys.ToDictionary(name => name, _ => new List<Load>(), StringComparer.Ordinal);
        while (session.Another(runs["nginx"].Count, session.Quick ? 2 : 15))
        {
            // Short and many, in changing order: what else the machine does meets all of them.
            foreach (var name in runs["nginx"].Count % 2 == 0 ? targets.Keys : targets.Keys.Reverse())
            {
                runs[name].Add(await Load.RunAsync(session, targets[name], Clients, seconds: session.Quick ? 1 : 2, [], ct));
            }
        }

        Session.Print("min / median / max          requests/s                 p50 ms                    p99 ms");
        foreach (var (name, loads) in runs)
        {
            Session.Print($"  {name,-24}  {new Figures(loads.Select(load => load.PerSecond)).Text("0"),-26} {new Figures(loads.Select(load => load.P50)).Text("0.0"),-25} {new Figures(loads.Select(load => load.P99)).Text("0.0")}");
        }

        Figures Ratio(string name) => new(runs[name].Zip(runs["nginx"], (load, peer) => load.PerSecond / peer.PerSecond));
        Session.Print($"replica over nginx: {Ratio("replica").Text()} (aim 0.5)");
        Session.Print($"gateway over nginx: {Ratio("gateway").Text()} (aim 0.9)");
        return Ratio("gateway").Median;
    }

    /// <summary>Every segment's first read: neither the gateway nor a replica has it.</summary>
    private static async Task<IReadOnlyList<(string Path, long Bytes, double Milliseconds)>> ColdAsync(Platform platform, Guid video, CancellationToken ct)
    {
        List<(string, long, double)> reads = [];
        var manifest = await platform.Http.GetStringAsync($"/stream/{video}/manifest", ct);
        foreach (var media in manifest.Split('\n').Where(line => line.StartsWith("manifest/", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal))
        {
            var playlist = await platform.Http.GetStringAsync($"/stream/{video}/{media}", ct);
            foreach (var line in playlist.Split('\n').Where(line => line.StartsWith("../segment/", StringComparison.Ordinal)))
            {
                var path = $"/stream/{video}/{line[3..]}";
                var started = Stopwatch.GetTimestamp();
                var content = await platform.Http.GetByteArrayAsync(path, ct);
                reads.Add((path, content.Length, Stopwatch.GetElapsedTime(started).TotalMilliseconds));
            }
        }

        return reads;
    }
}
