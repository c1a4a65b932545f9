using System.Diagnostics;
using System.Security.Cryptography;
using Storage.Fabric;
using Storage.Fabric.Chunks;

namespace Bench;

/// <summary>Commits a second of chunks that their nodes hold already: what consensus and its record take, at 1 and 8 clients.</summary>
internal static class CommitsBench
{
    private const double Aim = 500;
    private const int ChunkBytes = 64;

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var platform = await session.StartAsync(new(), ct);
        await platform.StopAsync("processing-worker", ct);
        using HttpClient http = new() { BaseAddress = platform.Endpoint("storage-metadata") };
        MetadataClient metadata = new(http);
        using var nodes = ChunkHttp.Create();
        ChunkWriter writer = new(nodes, TimeProvider.System);
        var count = session.Quick ? 200 : 1500;
        Figures? eight = null;
        foreach (var clients in (int[])[1, 8])
        {
            List<double> rates = [];
            for (var run = 0; run < (session.Quick ? 2 : 5); run++)
            {
                var bodies = await StoreAsync(metadata, writer, clients == 1 ? count / 5 : count, ct);
                var began = Stopwatch.GetTimestamp();
                await Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = clients, CancellationToken = ct }, async (each, token) =>
                {
                    if (await metadata.CommitAsync(each.ChunkId, each.Body, token) is not { Success: true })
                    {
                        throw new InvalidOperationException($"{each.ChunkId} was not committed.");
                    }
                });
                rates.Add(bodies.Count / Stopwatch.GetElapsedTime(began).TotalSeconds);
            }

            eight = new(rates);
            Session.Print($"{clients} clients: {eight.Text("0")} commits/s{(clients == 8 ? $" (aim {Aim:0})" : "")}");
        }

        return eight!.Median / Aim;
    }

    private static async Task<List<(string ChunkId, CommitBody Body)>> StoreAsync(MetadataClient metadata, ChunkWriter writer, int count, CancellationToken ct)
    {
        var video = Guid.NewGuid();
        await metadata.CreateVideoAsync(video, "bench", count * ChunkLimits.ChunkSeconds, ct);
        string[] urls = [.. (await metadata.HealthyNodesAsync(ct)).Select(node => node.NodeUrl)];
        (string, CommitBody)[] bodies = new (string, CommitBody)[count];
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = ct }, async (i, token) =>
        {
            var bytes = RandomNumberGenerator.GetBytes(ChunkBytes);
            var id = ChunkNames.Chunk(video, i);
            var holders = await writer.WriteAsync(id, bytes, Placement.Choose(id, urls, urls.Length), ChunkLimits.Replicas, token);
            bodies[i] = (id, new(holders, Checksum.HexOf(bytes), bytes.Length, video, i));
        });
        return [.. bodies];
    }
}
