using System.Diagnostics;
using Aspire.Hosting.Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.ChunkStore;

/// <summary>Seed 002's Python examples as they stand there, but for host and port and their two slips: the session is kept open, and the player is ours, called from the command line.</summary>
public sealed class SeedExamples(Platform platform)
{
    private const string UploadAndPlay =
        """
        import aiohttp
        import asyncio
        import sys

        async def upload_and_play():
            # 1. Upload video
            async with aiohttp.ClientSession() as session:
                data = aiohttp.FormData()
                data.add_field('video', open('video.mp4', 'rb'))
                data.add_field('title', 'My Video')

                async with session.post('http://localhost:8084/upload', data=data) as resp:
                    result = await resp.json()
                    video_id = result['video_id']
                    session_id = result['upload_session_id']

                # 2. Poll upload status
                while True:
                    async with session.get(f'http://localhost:8084/upload/status/{session_id}') as resp:
                        status = await resp.json()
                        print(status['status'], status['progress'], file=sys.stderr)
                        if status['status'] == 'completed':
                            break
                        elif status['status'] == 'failed':
                            raise Exception(status['error'])
                        await asyncio.sleep(2)

                # 3. Get manifest
                async with session.get(f'http://localhost:8080/manifest/{video_id}') as resp:
                    manifest = await resp.json()

            # 4. Play video with smart client
            player = await asyncio.create_subprocess_exec('dotnet', 'PLAYER', video_id, '--metadata', 'http://localhost:8080', '--fast', '--output', 'played.mp4', stdout=sys.stderr)
            if await player.wait() != 0:
                raise Exception('the player failed')
            print(video_id, manifest['total_chunks'], len(manifest['chunks']))

        asyncio.run(upload_and_play())
        """;

    private const string MonitorNodes =
        """
        import aiohttp
        import asyncio

        async def monitor_nodes():
            async with aiohttp.ClientSession() as session:
                # Get all nodes
                async with session.get('http://localhost:8080/nodes/all') as resp:
                    data = await resp.json()
                    nodes = data['nodes']

                # Check each node
                for node in nodes:
                    async with session.get(f"{node['node_url']}/health") as resp:
                        health = await resp.json()
                        print(f"{node['node_id']}: {health['status']} "
                              f"(disk: {health['disk_usage']:.1f}%, "
                              f"chunks: {health['chunk_count']})")

        asyncio.run(monitor_nodes())
        """;

    /// <summary>As it is built, beside these tests.</summary>
    private static readonly string _player = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../Smart.Client/debug/Smart.Client.dll"));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_video_is_uploaded_watched_on_its_way_and_played_whole()
    {
        var folder = Sources.NewFolder("vstack");
        var source = await Sources.MakeAsync(
            "vstack", "mp4", ["-f", "lavfi", "-i", Sources.Picture("25", 25, size: "640x360"), "-f", "lavfi", "-i", Sources.Sine(25), .. "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac".Split(' ')]);
        File.Copy(source, Path.Combine(folder, "video.mp4"));
        var printed = (await RunAsync(folder, UploadAndPlay)).Trim().Split(' ');
        Assert.Equal(["3", "3"], printed[1..]);

        var played = Path.Combine(folder, "played.mp4");
        Assert.Equal("", await Tool.CheckedAsync("ffmpeg", "-v", "error", "-i", played, "-f", "null", "-"));
        Assert.Equal(["625"], await Tool.ProbeAsync(["-count_frames", "-i", played], "v:0", "stream=nb_read_frames"));
        Assert.Equal("READY", await platform.EndStateAsync(Guid.Parse(printed[0]), Library.EndsWithin, Ct)); // it streams as HLS, too
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Every_node_is_listed_and_says_how_it_is()
    {
        var folder = Sources.NewFolder("vstack-nodes");
        var lines = (await RunAsync(folder, MonitorNodes)).Trim().Split('\n');
        Assert.Equal(Enumerable.Range(1, 5).Select(i => $"storage-node-{i}"), lines.Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]).Order(StringComparer.Ordinal));
        Assert.All(lines, line => Assert.Matches(@"^storage-node-\d: (healthy|warning) \(disk: \d+\.\d%, chunks: \d+\)$", line));
        Directory.Delete(folder, recursive: true);
    }

    private async Task<string> RunAsync(string folder, string script)
    {
        foreach (var (written, address) in (ReadOnlySpan<(string, Uri)>)[("localhost:8080", platform.Address("gateway")), ("localhost:8084", platform.Application.GetEndpoint("gateway", "uploader"))])
        {
            script = script.Replace(written, $"{address.Host}:{address.Port}", StringComparison.Ordinal);
        }

        script = script.Replace("PLAYER", _player, StringComparison.Ordinal);
        ProcessStartInfo start = new("/usr/bin/python3", ["-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using var python = Process.Start(start)!;
        var (output, messages) = (python.StandardOutput.ReadToEndAsync(Ct), python.StandardError.ReadToEndAsync(Ct));
        await python.WaitForExitAsync(Ct);
        Assert.True(python.ExitCode == 0, $"{await messages}\n{await output}");
        return await output;
    }
}
