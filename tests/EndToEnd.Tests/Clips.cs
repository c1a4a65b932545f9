using System.Diagnostics;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Sources that ffmpeg makes once for all tests.</summary>
public static class Clips
{
    private static readonly Lazy<Task<byte[]>> _short = new(() => MakeAsync("testsrc2=s=320x180:r=25:d=8", "sine=d=8", "ultrafast"));
    private static readonly Lazy<Task<byte[]>> _noisy = new(() => MakeAsync("testsrc2=s=1280x720:r=25:d=7,noise=alls=60:allf=t", "sine=d=7", "ultrafast", "-b:v", "9M", "-maxrate", "9M", "-bufsize", "9M"));

    /// <summary>8 s, 180p: two segments, a second of work.</summary>
    public static Task<byte[]> ShortAsync() => _short.Value;

    /// <summary>7 s of noise at 720p: a first segment of over a megabyte.</summary>
    public static Task<byte[]> NoisyAsync() => _noisy.Value;

    private static async Task<byte[]> MakeAsync(string picture, string sound, string preset, params string[] rate)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.mp4");
        using var ffmpeg = Process.Start("ffmpeg", ["-nostdin", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", preset, .. rate, "-pix_fmt", "yuv420p", "-c:a", "aac", path]);
        await ffmpeg.WaitForExitAsync(TestContext.Current.CancellationToken);
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        File.Delete(path);
        return bytes;
    }
}
