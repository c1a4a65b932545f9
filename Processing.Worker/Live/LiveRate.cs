using System.Globalization;
using System.Runtime.InteropServices;
using Processing.Worker.Media;
using Processing.Worker.Media.Planning;

namespace Processing.Worker.Live;

/// <summary>A constant frame rate whose segments of about two seconds have a whole number of frames.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LiveRate(int Numerator, int Denominator)
{
    /// <summary>What cameras and encoders make; whatever else comes is brought to the next of these.</summary>
    private static readonly LiveRate[] _usual =
    [
        new(10, 1), new(12, 1), new(25, 2), new(15, 1), new(20, 1), new(24_000, 1001), new(24, 1), new(25, 1), new(30_000, 1001), new(30, 1), new(48, 1), new(50, 1), new(60_000, 1001), new(60, 1),
    ];

    public double PerSecond => (double)Numerator / Denominator;

    /// <summary>Frames of a segment: of 2 s, or of 2.002 s for the rates of NTSC.</summary>
    public int SegmentFrames => (int)Math.Round(2 * PerSecond);

    /// <summary>A segment's length, in ticks of 1/90000 s; whole for all the usual rates.</summary>
    public long SegmentTicks => (long)SegmentFrames * VideoPlan.Timescale * Denominator / Numerator;

    /// <summary>Half of it, for a worker that could not keep up with all.</summary>
    public LiveRate Halved => Nearest(PerSecond / 2);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Numerator}/{Denominator}");

    /// <summary>The timestamps' own rate, unless most of its pictures are missing.</summary>
    public static LiveRate Of(ProbeStream video)
    {
        var (own, average) = (Parse(video.BaseFrameRate), Parse(video.AverageFrameRate));
        return Nearest(own is > 0 && (average is 0 || own <= 1.6 * average) ? own : average > 0 ? average : 30);
    }

    private static LiveRate Nearest(double perSecond) => _usual.MinBy(rate => Math.Abs(rate.PerSecond - perSecond));

    private static double Parse(string? text) =>
        text?.Split('/') is [var over, var under] && double.TryParse(over, CultureInfo.InvariantCulture, out var numerator) && double.TryParse(under, CultureInfo.InvariantCulture, out var denominator)
            && denominator > 0 ? numerator / denominator : 0;
}
