using System.Net;
using System.Net.Sockets;
using Processing.Worker.Media;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Media.Planning;

namespace Media.Tests;

/// <summary>Sources that cannot become a video get a permanent failure with a reason, and nothing that they name is touched.</summary>
public sealed class BadInputs
{
    private static async Task<MediaFailure> RefusedAsync(string path)
    {
        var scratch = Sources.NewFolder("bad");
        var failure = await Assert.ThrowsAsync<MediaUnusableException>(
            () => new MediaPlanner(Pipeline.Ffmpeg).PlanAsync(path, scratch, Pipeline.Quick, null, CancellationToken.None));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch));
        Assert.True(failure.Failure.IsPermanent);
        Assert.DoesNotContain(Path.GetDirectoryName(path)!, failure.Failure.StderrTail, StringComparison.Ordinal);
        return failure.Failure;
    }

    private static Task<MediaFailure> RefusedAsync(byte[] content, string name = "upload.mp4")
    {
        var path = Path.Combine(Sources.NewFolder("input"), name);
        File.WriteAllBytes(path, content);
        return RefusedAsync(path);
    }

    [Fact]
    public async Task An_empty_file() => Assert.Equal("Not a video: the file is empty.", (await RefusedAsync([])).Message);

    [Fact]
    public async Task A_text_called_mp4() =>
        Assert.Equal("Not a video: the file is a text.", (await RefusedAsync([.. Enumerable.Repeat("This is not a video, whatever its name says.\n"u8.ToArray(), 200).SelectMany(line => line)])).Message);

    [Fact]
    public async Task Noise()
    {
        var noise = new byte[300_000];
        new Random(1).NextBytes(noise);
        Assert.StartsWith("Not a video", (await RefusedAsync(noise)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image()
    {
        var image = await Sources.MakeAsync("image", "png", ["-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "1"]);
        Assert.Equal("Not a video: the file is a PNG image.", (await RefusedAsync(image)).Message);
    }

    [Theory]
    [InlineData("mp4", "+faststart")]
    [InlineData("mp4", "0")]
    [InlineData("mkv", "")]
    public async Task A_video_cut_off_in_the_middle(string extension, string flags)
    {
        string[] movflags = flags.Length > 0 ? ["-movflags", flags] : [];
        var whole = await Sources.MakeAsync(
            $"whole{flags.Length}", extension,
            ["-f", "lavfi", "-i", Sources.Picture("25", 20), "-c:v", "libx264", "-preset", "ultrafast", .. movflags]);
        var content = await File.ReadAllBytesAsync(whole);
        Assert.Contains("truncated", (await RefusedAsync(content[..(content.Length / 2)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_video_of_more_pictures_than_are_accepted()
    {
        var scratch = Sources.NewFolder("frames");
        var path = await Sources.MakeAsync("frames", "mp4", ["-f", "lavfi", "-i", Sources.Picture("25", 2), "-c:v", "libx264", "-preset", "ultrafast"]);
        var planner = new MediaPlanner(Pipeline.Ffmpeg);
        Assert.Equal(50, (await planner.PlanAsync(path, scratch, Pipeline.Quick with { MaxFrames = 50 }, null, CancellationToken.None)).Video!.Frames);
        var failure = await Assert.ThrowsAsync<MediaUnusableException>(() => planner.PlanAsync(path, scratch, Pipeline.Quick with { MaxFrames = 49 }, null, CancellationToken.None));
        Assert.Equal("The video has more than 49 pictures.", failure.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch));
    }

    /// <summary>Playlists of every kind that ffmpeg follows; {url} and {file} must stay untouched.</summary>
    public static TheoryData<string> Playlists =>
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXTINF:5,\nfile://{file}\n#EXTINF:5,\n{file}\n#EXT-X-ENDLIST\n",
        "\n\n#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n",
        "ffconcat version 1.0\nfile '{file}'\nfile '{url}'\n",
        "file '{file}'\nfile '{url}'\n",
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ];

    [Theory]
    [MemberData(nameof(Playlists))]
    public Task A_playlist_and_nothing_that_it_names_is_read(string playlist) => UntouchedAsync(playlist, async text =>
    {
        await RefusedAsync(text, "playlist.m3u8");
        await RefusedAsync([.. text, 0, 1, 2, 3], "playlist.mp4");
    });

    /// <summary>The second line: where a playlist passes for a binary, ffprobe's own lists of demuxers and protocols stand in the way.</summary>
    [Theory]
    [MemberData(nameof(Playlists))]
    public Task Ffprobe_follows_no_playlist_either(string playlist) => UntouchedAsync(playlist, async text =>
    {
        var path = Path.Combine(Sources.NewFolder("input"), "playlist.mp4");
        await File.WriteAllBytesAsync(path, text);
        SourceProbe prober = new(Pipeline.Ffmpeg, Pipeline.Quick);
        var failure = await Assert.ThrowsAnyAsync<MediaFailureException>(
            async () => prober.Check(await prober.ProbeAsync(path, null, FfmpegRunner.CreateWorkDir(Sources.NewFolder("process")), CancellationToken.None)));
        Assert.NotEqual(MediaFailureCategory.Timeout, failure.Failure.Category);
    });

    /// <summary>A listener that must see no connection and a named pipe stand behind every reference: who opens the pipe hangs, and is told apart by its timeout.</summary>
    private static async Task UntouchedAsync(string playlist, Func<byte[], Task> tried)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var file = Path.Combine(Sources.NewFolder("references"), "secret.mp4");
        await Tool.CheckedAsync("mkfifo", "-m", "666", file);
        await tried(System.Text.Encoding.UTF8.GetBytes(
            playlist.Replace("{url}", $"http://{listener.LocalEndpoint}/x.mp4", StringComparison.Ordinal).Replace("{file}", file, StringComparison.Ordinal)));
        Assert.False(listener.Pending());
    }

    /// <summary>A QuickTime file may say that its media lies in another file. The other file here is real: if it were opened, planning would succeed.</summary>
    [Fact]
    public async Task A_movie_whose_media_lies_in_another_file()
    {
        var folder = Sources.NewFolder("dref");
        var target = Path.Combine(folder, "target.mov");
        File.Copy(await Sources.MakeAsync("dref-target", "mov", ["-f", "lavfi", "-i", Sources.Picture("25", 3), "-c:v", "libx264", "-preset", "ultrafast", "-movflags", "+faststart"]), target);
        var path = Path.Combine(folder, "reference.mov");
        await File.WriteAllBytesAsync(path, ExternalReference.From(await File.ReadAllBytesAsync(target), "target.mov", target));

        var scratch = Sources.NewFolder("bad");
        await Assert.ThrowsAsync<MediaUnusableException>(async () =>
        {
            var plan = await new MediaPlanner(Pipeline.Ffmpeg).PlanAsync(path, scratch, Pipeline.Quick, null, CancellationToken.None);
            await new ChunkEncoder(Pipeline.Ffmpeg).EncodeAsync(plan, 0, path, scratch, null, CancellationToken.None);
        });
    }
}
