using System.Globalization;

namespace Bench;

/// <summary>Source videos, made with ffmpeg.</summary>
public static class Sources
{
    /// <summary>The name of the short piece that the video repeats.</summary>
    public const string Piece = "piece.mp4";

    private const double PieceSeconds = 6;

    /// <summary>Moving test picture with film-like noise, 30 frames a second, and a tone. A short piece is encoded and repeated: making it must not take longer than measuring.</summary>
    /// <param name="noise">Strength of the noise, 0 to 100: what makes the encoders' output large.</param>
    public static async Task<string> VideoAsync(Session session, string size, double seconds, int noise, CancellationToken ct)
    {
        const string Name = "source.mp4";
        string[] quiet = ["ffmpeg", "-nostdin", "-y", "-v", "error"];
        await Tool.RunAsync(session.Scratch,
        [
            .. quiet, "-f", "lavfi", "-i", $"testsrc2=s={size}:r=30:d={Text(PieceSeconds)},noise=alls={noise}:allf=t",
            "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "12M", "-g", "60", "-pix_fmt", "yuv420p", Piece,
        ], ct);
        await Tool.RunAsync(session.Scratch,
        [
            .. quiet, "-stream_loop", "-1", "-i", Piece, "-f", "lavfi", "-i", $"sine=r=48000:d={Text(seconds)}",
            "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-t", Text(seconds), Name,
        ], ct);
        var path = Path.Combine(session.Scratch, Name);
        Session.Print($"source: {Text(seconds)} s, {size}, 30 frames/s, {new FileInfo(path).Length / 1e6:0.0} MB");
        return path;
    }

    private static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
