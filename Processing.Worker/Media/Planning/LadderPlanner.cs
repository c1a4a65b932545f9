using System.Globalization;

namespace Processing.Worker.Media.Planning;

/// <summary>Chooses the renditions: rungs by the shorter side, never above the source, always at least one.</summary>
internal static class LadderPlanner
{
    /// <summary>A source this much taller than its best rung gets a rung of its own size: 1.31 times is about 1.5 times the bit rate.</summary>
    private const double OwnRungFactor = 1.31;

    /// <summary>Level 5.2's practical limit, which hardware decoders share.</summary>
    private const int MaxLongSide = 4096;

    /// <summary>H.264 Annex A, table A-1: level, macroblocks a second, macroblocks a frame.</summary>
    private static readonly (string Level, int PerSecond, int PerFrame)[] Levels =
    [
        ("3.0", 40_500, 1_620), ("3.1", 108_000, 3_600), ("3.2", 216_000, 5_120), ("4.0", 245_760, 8_192), ("4.2", 522_240, 8_704),
        ("5.0", 589_824, 22_080), ("5.1", 983_040, 36_864), ("5.2", 2_073_600, 36_864), ("6.0", 4_177_920, 139_264), ("6.1", 8_355_840, 139_264),
        ("6.2", 16_711_680, 139_264),
    ];

    public static IReadOnlyList<RenditionPlan> Plan(int width, int height, double frameRate, IReadOnlyList<LadderRung> ladder)
    {
        var shortSide = Math.Min(width, height);
        var rungs = ladder.Where(rung => rung.ShortSide <= shortSide).OrderByDescending(rung => rung.ShortSide).ToList();
        if (rungs.Count == 0)
            rungs.Add(Own(shortSide, ladder.MinBy(rung => rung.ShortSide) ?? LadderRung.Default[^1]));
        else if (shortSide >= rungs[0].ShortSide * OwnRungFactor && ladder.Any(rung => rung.ShortSide > shortSide))
            rungs.Insert(0, Own(shortSide, rungs[0]));

        return [.. rungs.Select(rung => Rendition(width, height, frameRate, rung)).DistinctBy(rendition => (rendition.Width, rendition.Height))];
    }

    /// <summary>A rung of the source's size with a rate in proportion to a known rung's.</summary>
    private static LadderRung Own(int shortSide, LadderRung known) =>
        new(shortSide, Math.Max(100, (int)(known.MaxKbps * Math.Pow((double)shortSide / known.ShortSide, 1.5))));

    private static RenditionPlan Rendition(int width, int height, double frameRate, LadderRung rung)
    {
        var scale = Math.Min(Math.Min(1, (double)rung.ShortSide / Math.Min(width, height)), (double)MaxLongSide / Math.Max(width, height));
        var (w, h) = (Even(width * scale, width), Even(height * scale, height));
        return new RenditionPlan($"{rung.ShortSide}p", w, h, rung.MaxKbps, Level(w, h, frameRate));
    }

    /// <summary>Even, because 4:2:0 halves the colour planes; never above the source.</summary>
    private static int Even(double size, int source)
    {
        var even = Math.Max(2, 2 * (int)Math.Round(size / 2, MidpointRounding.AwayFromZero));
        return even > source && even > 2 ? even - 2 : even;
    }

    private static string Level(int width, int height, double frameRate)
    {
        var blocks = (width + 15) / 16 * ((height + 15) / 16);
        return Levels.FirstOrDefault(level => blocks <= level.PerFrame && blocks * frameRate <= level.PerSecond, Levels[^1]).Level
            .ToString(CultureInfo.InvariantCulture);
    }
}
