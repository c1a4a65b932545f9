using System.Buffers.Binary;
using System.Diagnostics;
using Storage.Fabric.Chunks;

namespace Bench;

/// <summary>
/// From asking the smart client to play until the first byte that can be shown, of a video that the platform has distributed over its five nodes:
/// by a client that runs, by one that has just started and plays its first, and by the program on a console, from its exec on. The peer is a plain
/// GET of the first chunk from the node that the manifest names first: before a chunk is verified, none of it may be shown.
/// </summary>
internal static class StartupBench
{
    private const double AimSeconds = 0.2;
    private const uint MediaData = 0x6D646174; // mdat

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var source = await Sources.VideoAsync(session, "1280x720", 30, noise: 10, ct);
        var platform = await session.StartAsync(new(), ct);
        var video = await ChunkedVideo.UploadAsync(platform, source, ct);
        await platform.StopAsync("processing-worker", ct);
        using HttpClient http = new() { BaseAddress = platform.Endpoint("storage-metadata") };
        var first = (await new MetadataClient(http).ManifestAsync(video, ct))!.Chunks[0];
        Session.Print($"first chunk: {first.SizeBytes / 1e6:0.00} MB, on {first.Replicas.Count} nodes");

        Uri stream = new(platform.Endpoint("smart-client"), $"/api/stream/{video}"), chunk = new($"{first.Replicas[0]}/chunk/{first.ChunkId}");
        await OfStreamAsync(http, stream, ct);
        await OfChunkAsync(http, chunk, ct);
        List<double> plays = [], gets = [], firstPlays = [], consoles = [];
        for (var pair = 0; pair < (session.Quick ? 5 : 50); pair++)
        {
            var streamFirst = pair % 2 == 0;
            plays.Add(streamFirst ? await OfStreamAsync(http, stream, ct) : 0);
            gets.Add(await OfChunkAsync(http, chunk, ct));
            plays[^1] = streamFirst ? plays[^1] : await OfStreamAsync(http, stream, ct);
        }

        var metadata = platform.Endpoint("storage-metadata").AbsoluteUri;
        for (var run = 0; run < (session.Quick ? 1 : 5); run++)
        {
            await using (var client = await ServiceProcess.StartAsync(http, "Smart.Client", new Dictionary<string, string>(StringComparer.Ordinal) { ["METADATA_SERVICE_URL"] = metadata }, ct))
            {
                firstPlays.Add(await OfStreamAsync(http, new(client.Address, stream.AbsolutePath), ct));
            }

            consoles.Add(await OfConsoleAsync(video, metadata, ct));
        }

        Figures playing = new(plays), getting = new(gets);
        Session.Print($"seconds to the first playable byte, running client: {playing.Text("0.000")}, p95 {playing.Percentile(95):0.000} (aim {AimSeconds})");
        Session.Print($"  plain GET of the first chunk: {getting.Text("0.000")}; over it {new Figures(plays.Zip(gets, (play, get) => play / get)).Text()}");
        Session.Print($"  first playback of a client that has just started: {new Figures(firstPlays).Text("0.000")}");
        Session.Print($"  on a console, from exec: {new Figures(consoles).Text("0.000")}");
        Session.Print($"The ratio is the running client's median over the aim of {AimSeconds} s.");
        return playing.Median / AimSeconds;
    }

    private static async Task<double> OfStreamAsync(HttpClient http, Uri address, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        await using var stream = await http.GetStreamAsync(address, ct);
        await ReadToMediaAsync(stream, ct);
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task<double> OfChunkAsync(HttpClient http, Uri address, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        await http.GetByteArrayAsync(address, ct);
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task<double> OfConsoleAsync(Guid video, string metadata, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        using var player = Process.Start(new ProcessStartInfo("dotnet", [ServiceProcess.Program("Smart.Client"), $"{video}", "--metadata", metadata, "--output", "-"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            await ReadToMediaAsync(player.StandardOutput.BaseStream, ct);
            return Stopwatch.GetElapsedTime(began).TotalSeconds;
        }
        finally
        {
            player.Kill();
            await player.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>To the first byte behind the head of the first mdat: what is before it describes the video, and shows nothing.</summary>
    private static async Task ReadToMediaAsync(Stream stream, CancellationToken ct)
    {
        var head = new byte[8];
        while (true)
        {
            await stream.ReadExactlyAsync(head, ct);
            if (BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4)) == MediaData)
            {
                await stream.ReadExactlyAsync(head.AsMemory(0, 1), ct);
                return;
            }

            await stream.ReadExactlyAsync(new byte[BinaryPrimitives.ReadInt32BigEndian(head) - head.Length], ct);
        }
    }
}
