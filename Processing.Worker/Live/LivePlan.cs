using Processing.Worker.Media;
using Processing.Worker.Media.Planning;

namespace Processing.Worker.Live;

/// <summary>An input that is none to encode: the connection is dropped.</summary>
internal sealed class InputRefusedException(string reason) : Exception(reason);

/// <summary>What an input is, and what is made of it.</summary>
/// <param name="HasAudio">Without, the audio track is silence.</param>
/// <param name="Renditions">Best first; never above the input.</param>
internal sealed record LivePlan(PictureFormat Picture, LiveRate Rate, bool HasAudio, IReadOnlyList<RenditionPlan> Renditions)
{
    public const string AudioTrack = "audio";

    public const int AudioKbps = 128;

    public const int AudioRate = 48_000;

    /// <summary>Of the slot's capacity: a picture of more detail than the measured one, and neighbours on the machine, take their share.</summary>
    private const double Headroom = 1.5;

    /// <summary>What decoding and scaling a pixel of the input take, beside encoding one.</summary>
    private const double DecodeShare = 0.15;

    private const int LargestLongSide = 4096;
    private const int LargestShortSide = 2304;

    /// <summary>Smallest first: there is always a picture for a bad line.</summary>
    private static readonly int[] _ladder = [240, 480, 720, 1080];

    private const int FewestRungs = 2;

    /// <param name="pixelsPerSecond">What a slot encodes; null: not measured yet.</param>
    /// <exception cref="InputRefusedException">No picture, or one too large.</exception>
    public static LivePlan Of(ProbeOutput probe, long? pixelsPerSecond)
    {
        if (probe.Streams?.FirstOrDefault(stream => stream.IsVideo) is not { } video)
            throw new InputRefusedException("The input has no picture.");
        if (Math.Max(video.Width, video.Height) > LargestLongSide || Math.Min(video.Width, video.Height) > LargestShortSide)
            throw new InputRefusedException($"The picture is {video.Width}x{video.Height}; at most {LargestLongSide}x{LargestShortSide} is accepted.");

        var picture = PicturePlanner.Plan(video, dropRepeated: false);
        var (rate, rungs) = Fit(picture, LiveRate.Of(video), pixelsPerSecond);
        return new(picture, rate, probe.Streams.Any(stream => stream.IsAudio), Ladder(picture, rate, rungs));
    }

    /// <summary>Pixels a second that this ladder takes of a slot.</summary>
    public static double Load(PictureFormat picture, LiveRate rate, IReadOnlyList<RenditionPlan> renditions) =>
        rate.PerSecond * (renditions.Sum(rendition => (double)rendition.Width * rendition.Height) + DecodeShare * picture.Width * picture.Height);

    /// <summary>As many rungs as fit; where not even the fewest do, at half the rate.</summary>
    private static (LiveRate Rate, int Rungs) Fit(PictureFormat picture, LiveRate rate, long? pixelsPerSecond)
    {
        if (pixelsPerSecond is not { } carries)
            return (rate, FewestRungs);
        for (var rungs = _ladder.Length; rungs >= FewestRungs; rungs--)
        {
            if (Headroom * Load(picture, rate, Ladder(picture, rate, rungs)) <= carries)
                return (rate, rungs);
        }
        return (rate.PerSecond > 30 ? rate.Halved : rate, FewestRungs);
    }

    private static IReadOnlyList<RenditionPlan> Ladder(PictureFormat picture, LiveRate rate, int rungs) =>
        LadderPlanner.Plan(picture.Width, picture.Height, rate.PerSecond, LadderRung.Of(_ladder[..rungs]));
}
