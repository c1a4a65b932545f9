using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>What broadcasters push.</summary>
internal static class LiveSources
{
    /// <summary>With a key frame each second, as broadcasters send it.</summary>
    public static Task<string> PushAsync(string rate, int seconds) => Sources.MakeAsync($"push-{rate}-{seconds}", "flv",
        ["-f", "lavfi", "-i", Sources.Picture(rate, seconds), "-f", "lavfi", "-i", Sources.Sine(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", rate, "-c:a", "aac", "-b:a", "96k"]);

    /// <summary>One connection in which the picture becomes another one: the tags of both, one behind the other in time.</summary>
    public static async Task<string> ChangingAsync(int seconds, string size)
    {
        var before = await File.ReadAllBytesAsync(await PushAsync("25", seconds));
        var after = await File.ReadAllBytesAsync(await Sources.MakeAsync($"push-{size}-{seconds}", "flv",
            ["-f", "lavfi", "-i", Sources.Picture("25", seconds, size: size), "-f", "lavfi", "-i", Sources.Sine(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", "-b:a", "96k"]));
        const int Header = 13, TagHeader = 11, Trailer = 4;
        for (var tag = Header; tag < after.Length;)
        {
            var length = (after[tag + 1] << 16) | (after[tag + 2] << 8) | after[tag + 3];
            var time = ((after[tag + 4] << 16) | (after[tag + 5] << 8) | after[tag + 6]) + (seconds * 1000);
            (after[tag + 4], after[tag + 5], after[tag + 6]) = ((byte)(time >> 16), (byte)(time >> 8), (byte)time);
            tag += TagHeader + length + Trailer;
        }

        var path = Path.Combine(Sources.NewFolder("changing"), "push.flv");
        await File.WriteAllBytesAsync(path, [.. before, .. after.AsSpan(Header)]);
        return path;
    }

    /// <summary>Noise at about 75 Mbit/s: more than is accepted.</summary>
    public static Task<string> TooFastAsync(int seconds) => Sources.MakeAsync($"too-fast-{seconds}", "flv",
        ["-f", "lavfi", "-i", Sources.Picture("25", seconds, ",noise=alls=100:allf=t", "960x540"), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-qp", "6"]);
}
