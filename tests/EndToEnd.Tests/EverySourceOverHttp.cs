using Testing.Media;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>All sources of the matrix, made and uploaded up front: the pool works on the next ones while a test checks the first.</summary>
public sealed class SourceMatrix(Platform platform) : IAsyncLifetime
{
    /// <summary>Two rungs of the ladder; what is smaller, or has no picture, stays as it is.</summary>
    public const string Size = "640x360";

    /// <summary>Beside the recipes: the film that lies beside the repository on some machines.</summary>
    public const string Film = "film";

    private readonly Dictionary<string, (string Source, Guid Video)> _uploaded = new(StringComparer.Ordinal);

    public static IEnumerable<string> Names => Sources.Names.Except(["slides", "mp3", "hdr", "vp8", "interlaced", "flv", "mov-offset", "one-frame", "mono-44k", "mono-8k", "22k", "32k", "96k", "tiny", "late-audio", "long-audio"])
        .Concat(Sources.FindClip() is null ? [] : [Film]);

    public (string Source, Guid Video) this[string name] => _uploaded[name];

    public async ValueTask InitializeAsync()
    {
        using CancellationTokenSource within = new(TimeSpan.FromMinutes(5));
        foreach (var name in Names)
        {
            var source = name == Film ? Sources.FindClip()! : await Sources.GetAsync(name, Size);
            _uploaded[name] = (source, await platform.UploadAsync(await File.ReadAllBytesAsync(source, within.Token), within.Token));
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>Whatever is uploaded plays whole, read over HTTP through the gateway.</summary>
public sealed class EverySourceOverHttp(Platform platform, SourceMatrix matrix) : IClassFixture<SourceMatrix>
{
    private static readonly TimeSpan _readyWithin = TimeSpan.FromMinutes(5);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. SourceMatrix.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Becomes_a_video_that_plays_whole(string name)
    {
        var (source, video) = matrix[name];
        var played = await platform.PlayAsync(source, video, _readyWithin, Ct);
        if (name != SourceMatrix.Film)
            await HlsChecks.CheckToneAsync(played, 0.03);
        if (name is "portrait")
            Assert.Equal(["360x640", "240x426"], played.Video.Select(rendition => rendition.Attributes["RESOLUTION"]));
        if (name is "two-tracks")
            Assert.Equal([("de", "Kommentar", "YES"), ("en", "English", "NO")], played.Audio.Select(track => (track.Attributes["LANGUAGE"], track.Attributes["NAME"], track.Attributes["DEFAULT"])));
        if (name is "no-audio")
            Assert.Empty(played.Audio);
        if (name is "audio-only")
            Assert.Empty(played.Video);
        if (name is not ("audio-only" or "odd"))
            Assert.True(played.Video.Count() >= 2, "fewer renditions than the ladder has");
    }
}

/// <summary>The same for a long one, which needs many chunks.</summary>
public sealed class LongSourceOverHttp(Platform platform)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Long")]
    public async Task Ten_minutes_play_whole()
    {
        var source = await Sources.MakeAsync(
            "long", "mp4", ["-f", "lavfi", "-i", Sources.Picture("30000/1001", 600, size: "426x240"), "-f", "lavfi", "-i", Sources.Sine(600), .. "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -crf 30 -c:a aac -b:a 64k".Split(' ')]);
        var video = await platform.UploadAsync(await File.ReadAllBytesAsync(source, Ct), Ct);
        await HlsChecks.CheckToneAsync(await platform.PlayAsync(source, video, TimeSpan.FromMinutes(15), Ct), 0.03);
    }
}
