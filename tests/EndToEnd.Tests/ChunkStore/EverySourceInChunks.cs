using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.ChunkStore;

/// <summary>A source of every kind that seed 002's uploader takes, uploaded up front: the pool works on the next ones while a test checks the first.</summary>
public sealed class ChunkedSources(Platform platform) : IAsyncLifetime
{
    private const string X264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";

    private readonly Dictionary<string, (string Source, Guid Video, string StatusUrl)> _uploaded = new(StringComparer.Ordinal);

    public static string[] Names { get; } = ["mp4", "avi", "mov", "mkv-subtitles", "vp8", "vp9", "flv", "heavy", "long-gop", "no-audio"];

    public (string Source, Guid Video, string StatusUrl) this[string name] => _uploaded[name];

    public async ValueTask InitializeAsync()
    {
        using CancellationTokenSource within = new(TimeSpan.FromMinutes(5));
        foreach (var name in Names)
        {
            var source = await SourceAsync(name);
            var (video, statusUrl) = await platform.Http.UploadChunksAsync($"A film as {name}", await File.ReadAllBytesAsync(source, within.Token), Path.GetFileName(source), within.Token);
            _uploaded[name] = (source, video, statusUrl);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task<string> SourceAsync(string name) => name switch
    {
        "mp4" => await Sources.GetAsync("25"),
        "mov" => await Sources.GetAsync("mov-offset"),
        "mkv-subtitles" => await SubtitledAsync(),
        "heavy" => await MakeAsync(name, Sources.Picture("25", 22, ",noise=alls=60:allf=t", "640x360"), $"{X264} -b:v 3M -minrate 3M -maxrate 3M -bufsize 3M"),
        "long-gop" => await MakeAsync(name, Sources.Picture("25", 32), $"{X264} -g 9999 -x264-params scenecut=0"),
        _ => await Sources.GetAsync(name),
    };

    private static Task<string> MakeAsync(string name, string picture, string encode) =>
        Sources.MakeAsync($"chunks-{name}", "mp4", ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", Sources.Sine(40), "-shortest", .. encode.Split(' ')]);

    private static async Task<string> SubtitledAsync()
    {
        var text = Path.Combine(Sources.NewFolder("subtitles"), "a.srt");
        await File.WriteAllTextAsync(text, "1\n00:00:01,000 --> 00:00:04,000\nGood evening.\n");
        return await Sources.MakeAsync("chunks-subtitled", "mkv", ["-i", await Sources.GetAsync("mkv"), "-i", text, "-map", "0", "-map", "1", "-c", "copy", "-c:s", "srt"]);
    }
}

/// <summary>Whatever is uploaded comes as chunks that play alone and together, through the smart client, and as HLS.</summary>
public sealed class EverySourceInChunks(Platform platform, ChunkedSources sources) : IClassFixture<ChunkedSources>
{
    private const int MostBytes = 2 << 20;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(5);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. ChunkedSources.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Becomes_chunks_of_ten_seconds_that_play_alone_and_as_one(string name)
    {
        var (source, video, statusUrl) = sources[name];
        var status = await platform.ChunkedAsync(statusUrl, _within, Ct);
        Assert.Equal(100, status.GetProperty("progress").GetInt32());

        var manifest = await platform.Http.GetFromJsonAsync<JsonElement>($"/manifest/{video}", Ct);
        var chunks = manifest.GetProperty("chunks").EnumerateArray().ToList();
        Assert.Equal(("active", chunks.Count, status.GetProperty("total_chunks").GetInt32()), (manifest.GetProperty("status").GetString(), manifest.GetProperty("total_chunks").GetInt32(), chunks.Count));
        var folder = Sources.NewFolder("chunks");
        foreach (var (i, chunk) in chunks.Index())
        {
            Assert.Equal((i, $"{video}-chunk-{i:000}"), (chunk.GetProperty("sequence_num").GetInt32(), chunk.GetProperty("chunk_id").GetString()));
            var bytes = await FetchAsync(chunk);
            Assert.InRange(bytes.Length, 1, MostBytes);
            var path = Path.Combine(folder, $"{i}.mp4");
            await File.WriteAllBytesAsync(path, bytes, Ct);
            await Tool.CheckedAsync("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-");
        }

        using var player = platform.Application.CreateHttpClient("smart-client", "http");
        var whole = Path.Combine(folder, "whole.mp4");
        await File.WriteAllBytesAsync(whole, await player.GetByteArrayAsync($"/api/stream/{video}", Ct), Ct);
        await Tool.CheckedAsync("ffmpeg", "-v", "error", "-i", whole, "-f", "null", "-");
        Assert.Equal(await FramesAsync(source), await FramesAsync(whole));
        Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>From every node that the manifest names: each has it whole.</summary>
    private async Task<byte[]> FetchAsync(JsonElement chunk)
    {
        byte[] bytes = [];
        var replicas = chunk.GetProperty("replicas").EnumerateArray().Select(url => url.GetString()!).ToList();
        Assert.InRange(replicas.Count, chunk.GetProperty("redundancy_mode").GetString() == "replication" ? 2 : 1, 3); // coded after a while: then one puts it together
        foreach (var replica in replicas)
        {
            bytes = await platform.Http.GetByteArrayAsync($"{replica}/chunk/{chunk.GetProperty("chunk_id").GetString()}", Ct);
            Assert.Equal(chunk.GetProperty("checksum").GetString(), $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}");
        }

        return bytes;
    }

    private static async Task<string> FramesAsync(string path) => (await Tool.ProbeAsync(["-count_frames", "-i", path], "v:0", "stream=nb_read_frames")).Single();
}
