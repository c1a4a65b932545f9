using System.Globalization;
using System.Security.Cryptography;
using Storage.Fabric;
using Storage.Fabric.Chunks;

namespace Bench;

/// <summary>What coding saves, in bytes that the nodes' files take on the disk: full chunks of one video in three copies, and the same after their conversion to 3+2 and the compaction of what that leaves behind.</summary>
internal static class CodedBench
{
    private const int Nodes = 5;

    /// <summary>Of the code itself: five fragments of a third each, against three copies.</summary>
    private const double Aim = (double)ChunkLimits.TotalShards / ChunkLimits.DataShards / ChunkLimits.Replicas;

    /// <summary>How long the files must not have changed to count as compacted; the upkeep runs every second.</summary>
    private static readonly TimeSpan _settled = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>Of each node's usual superblock of 256 MiB the last is not compacted; smaller ones let less than a terabyte show what is saved.</summary>
    private static readonly Dictionary<string, string> _settings = new(StringComparer.Ordinal)
    {
        ["Metadata__SettlingSeconds"] = "0",
        ["Metadata__RemovalGraceSeconds"] = "2",
        ["Metadata__Conversions"] = "true",
        ["Node__UpkeepSeconds"] = "1",
        ["Node__SuperblockBytes"] = "16777216",
    };

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var platform = await session.StartAsync(new(StoreSettings: _settings), ct);
        await platform.StopAsync("processing-worker", ct);
        using HttpClient http = new() { BaseAddress = platform.Endpoint("storage-metadata") };
        MetadataClient metadata = new(http);
        string[] folders = [.. Enumerable.Range(1, Nodes).Select(i => platform.Environment($"storage-node-{i}", "STATE_DIRECTORY"))];
        var chunks = session.Quick ? 30 : 300;
        var empty = await DiskBytesAsync(session, folders, ct);

        var video = Guid.NewGuid();
        await metadata.CreateVideoAsync(video, "bench", chunks * ChunkLimits.ChunkSeconds, ct);
        await StoreAsync(metadata, video, chunks, ct);
        var copies = await SettledAsync(session, folders, ct) - empty;

        using (var forced = await http.PostAsync($"/redundancy/override/{video}?mode={Redundancy.ErasureCoding}", null, ct))
        {
            forced.EnsureSuccessStatusCode();
        }

        await metadata.SetStatusAsync(video, "active", ct);
        while ((await metadata.ManifestAsync(video, ct))!.Chunks.Any(chunk => chunk.Mode != Redundancy.ErasureCoding))
        {
            await Task.Delay(_lookEvery, TimeProvider.System, ct);
        }

        await RemovedAsync(http, platform, chunks * ChunkLimits.TotalShards, ct);
        var coded = await SettledAsync(session, folders, ct) - empty;
        var bytes = (double)chunks * ChunkLimits.ChunkBytes;
        Session.Print($"{chunks} chunks, {bytes / 1e6:0} MB: {copies / 1e6:0} MB on {Nodes} disks as three copies ({copies / bytes:0.000} of their size), {coded / 1e6:0} MB coded ({coded / bytes:0.000})");
        Session.Print($"  coded over copied {coded / (double)copies:0.000}, the code alone {Aim:0.000}: {1 - (coded / (double)copies):0.0%} of the disk saved");
        Session.Print("The ratio is that share over the code's own.");
        return coded / (double)copies / Aim;
    }

    private static async Task StoreAsync(MetadataClient metadata, Guid video, int chunks, CancellationToken ct)
    {
        using var nodes = ChunkHttp.Create();
        ChunkWriter writer = new(nodes, TimeProvider.System);
        string[] urls = [.. (await metadata.HealthyNodesAsync(ct)).Select(node => node.NodeUrl)];
        await Parallel.ForEachAsync(Enumerable.Range(0, chunks), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = ct }, async (i, token) =>
        {
            var bytes = RandomNumberGenerator.GetBytes(ChunkLimits.ChunkBytes);
            var id = ChunkNames.Chunk(video, i);
            var holders = await writer.WriteAsync(id, bytes, Placement.Choose(id, urls, ChunkLimits.Replicas), ChunkLimits.Replicas, token);
            if (holders.Count < ChunkLimits.Replicas || await metadata.CommitAsync(id, new(holders, Checksum.HexOf(bytes), bytes.Length, video, i), token) is not { Success: true })
            {
                throw new InvalidOperationException($"{id} is not stored three times.");
            }
        });
    }

    /// <summary>Until the nodes hold the fragments and nothing else.</summary>
    private static async Task RemovedAsync(HttpClient http, Platform platform, int fragments, CancellationToken ct)
    {
        while (true)
        {
            var held = 0;
            for (var i = 1; i <= Nodes; i++)
            {
                using HttpRequestMessage ping = new(HttpMethod.Head, new Uri(platform.Endpoint($"storage-node-{i}"), "/ping"));
                using var answer = await http.SendAsync(ping, ct);
                held += int.Parse(answer.Headers.GetValues("X-Chunk-Count").Single(), CultureInfo.InvariantCulture);
            }

            if (held == fragments)
            {
                return;
            }

            await Task.Delay(_lookEvery, TimeProvider.System, ct);
        }
    }

    private static async Task<long> SettledAsync(Session session, string[] folders, CancellationToken ct)
    {
        for (var bytes = await DiskBytesAsync(session, folders, ct); ;)
        {
            await Task.Delay(_settled, TimeProvider.System, ct);
            var now = await DiskBytesAsync(session, folders, ct);
            if (now == bytes)
            {
                return now;
            }

            bytes = now;
        }
    }

    /// <summary>Blocks on the disk, not the lengths of files.</summary>
    private static async Task<long> DiskBytesAsync(Session session, string[] folders, CancellationToken ct) =>
        (await Tool.RunAsync(session.Scratch, ["du", "--block-size=1", "--summarize", .. folders], ct))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Sum(line => long.Parse(line.Split('\t')[0], CultureInfo.InvariantCulture));
}
