using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Database;
using Microsoft.Extensions.DependencyInjection;

namespace Bench;

/// <summary>
/// Polls of a live stream's playlist at 64 connections to one replica, and through the gateway to both, while the stream grows by a
/// segment every two seconds. The peer is nginx with the same text as a file, which never changes and asks nobody.
/// </summary>
internal static class LiveBench
{
    private const int Connections = 64;

    /// <summary>A window of 300 s.</summary>
    private const int Segments = 150;

    private static readonly TimeSpan _segment = TimeSpan.FromSeconds(2);

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var files = Directory.CreateDirectory(Path.Combine(session.Scratch, "peer")).FullName;
        var platform = await session.StartAsync(new(PeerFiles: files), ct);
        await platform.StopAsync("processing-worker", ct);
        var database = (await platform.JoinAsync(ct)).GetRequiredService<LifecycleDatabase>();
        var stream = $"bench-{Guid.NewGuid():N}-live";
        await BeginAsync(database, stream, ct);
        for (var sequence = 0; sequence < Segments; sequence++)
        {
            await AddAsync(database, stream, sequence, ct);
        }

        var path = $"/stream/{stream}/manifest/480p";
        var text = await platform.Http.GetByteArrayAsync(path, ct);
        await File.WriteAllBytesAsync(Path.Combine(files, "480p.m3u8"), text, ct);
        Dictionary<string, Uri> targets = new(StringComparer.Ordinal)
        {
            ["nginx, the same text"] = new(platform.Endpoint("peer"), "/480p.m3u8"),
            ["replica"] = new(platform.Endpoint("streaming-api-1"), path),
            ["gateway, 2 replicas"] = new(platform.Gateway, path),
        };

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var growing = GrowAsync(database, stream, Segments, ended.Token);
        foreach (var target in targets.Values)
        {
            await Load.RunAsync(session, target, Connections, seconds: 2, [], ct);
        }

        var runs = targets.Keys.ToDictionary(name => name, _ => new List<Load>(), StringComparer.Ordinal);
        while (session.Another(runs["replica"].Count, session.Quick ? 2 : 10))
        {
            foreach (var name in runs["replica"].Count % 2 == 0 ? targets.Keys : targets.Keys.Reverse())
            {
                runs[name].Add(await Load.RunAsync(session, targets[name], Connections, seconds: session.Quick ? 1 : 4, [], ct));
            }
        }

        await ended.CancelAsync();
        var segments = await growing;
        Session.Print($"a playlist of {text.Length / 1e3:0.0} kB, {Connections} connections (wrk, on the same {Environment.ProcessorCount} cores), {segments - Segments} segments added meanwhile");
        Session.Print("min / median / max          requests/s                 p50 ms                    p99 ms");
        foreach (var (name, loads) in runs)
        {
            Session.Print($"  {name,-24}  {new Figures(loads.Select(load => load.PerSecond)).Text("0"),-26} {new Figures(loads.Select(load => load.P50)).Text("0.0"),-25} {new Figures(loads.Select(load => load.P99)).Text("0.0")}");
        }

        Figures ratio = new(runs["replica"].Zip(runs["nginx, the same text"], (load, peer) => load.PerSecond / peer.PerSecond));
        Session.Print($"replica over nginx: {ratio.Text()}");
        return ratio.Median;
    }

    /// <summary>As a worker and the orchestrator leave it; the lease is nobody's, and holds.</summary>
    private static async Task BeginAsync(LifecycleDatabase database, string stream, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            """
            insert into streams (id, title, start_time, ingest_endpoints, request_sha256, status, workflow_state, playback_at, video_id)
            values ($1, 'Bench', now(), '[]', '\x00', 'LIVE', 'WorkflowSucceeded', now(), $2)
            """, [stream, Guid.CreateVersion7()], ct);
        await connection.ExecuteAsync(
            "insert into live_sessions (stream_id, state, slots, lease_token, lease_until, generation) values ($1, 'encoding', 1, 1, now() + interval '1 hour', 1)", [stream], ct);
        await connection.ExecuteAsync(
            """
            insert into live_tracks (stream_id, generation, track, kind, init_key, init_bytes, init_sha256, codecs, bandwidth, width, height, frame_rate)
            select $1, 1, track, case when height is null then 'audio' else 'video' end, $2 || track, 700, '', codecs, 1500000, width, height, 30
            from (values ('480p', 'avc1.64001e', 854, 480), ('240p', 'avc1.64000d', 426, 240), ('audio', 'mp4a.40.2', null, null)) as tracks (track, codecs, width, height)
            """, [stream, ObjectKeys.Stream(stream)], ct);
    }

    private static async Task AddAsync(LifecycleDatabase database, string stream, int sequence, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            """
            insert into live_segments (stream_id, sequence, track, generation, object_key, bytes, sha256, duration, program_date_time)
            select $1, $2, track, 1, $3 || track || $2, 350000, repeat('0', 64), 2, now() from live_tracks where stream_id = $1
            """, [stream, (long)sequence, ObjectKeys.Stream(stream)], ct);
    }

    /// <returns>How many segments there are in the end.</returns>
    private static async Task<int> GrowAsync(LifecycleDatabase database, string stream, int sequence, CancellationToken ct)
    {
        using PeriodicTimer timer = new(_segment, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                await AddAsync(database, stream, sequence++, ct);
            }
        }
        catch (OperationCanceledException)
        {
            // Measured.
        }

        return sequence;
    }
}
