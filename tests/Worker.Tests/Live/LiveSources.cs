using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>What broadcasters push.</summary>
internal static class LiveSources
{
    /// <summary>With a key frame each second, as broadcasters send it.</summary>
    public static Task<string> PushAsync(string rate, int seconds) => Sources.MakeAsync($"push-{rate}-{seconds}", "flv",
        ["-f", "lavfi", "-i", Sources.Picture(rate, seconds), "-f", "lavfi", "-i", Sources.Sine(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", rate, "-c:a", "aac", "-b:a", "96k"]);

    /// <summary>Noise at about 75 Mbit/s: more than is accepted.</summary>
    public static Task<string> TooFastAsync(int seconds) => Sources.MakeAsync($"too-fast-{seconds}", "flv",
        ["-f", "lavfi", "-i", Sources.Picture("25", seconds, ",noise=alls=100:allf=t", "960x540"), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-qp", "6"]);
}
