using System.Globalization;

namespace Processing.Worker.Media.Encoders;

/// <summary>
/// The clock of what ffmpeg writes: output time plus a constant, so that no decode time is ever negative (x264 starts two frames early).
/// The constant is taken off again when the segments are written.
/// </summary>
internal static class OutputClock
{
    public const int ShiftSeconds = 10;

    public const long ShiftTicks = (long)ShiftSeconds * VideoPlan.Timescale;

    /// <summary>Seconds on this clock of a source time in microseconds.</summary>
    public static string FromSource(long microseconds, long originTicks) =>
        Seconds(microseconds - (originTicks * 100 / 9) + (ShiftSeconds * 1_000_000L));

    /// <summary>Microseconds as seconds with six decimals.</summary>
    public static string Seconds(long microseconds) => (microseconds / 1_000_000m).ToString("0.000000", CultureInfo.InvariantCulture);
}
