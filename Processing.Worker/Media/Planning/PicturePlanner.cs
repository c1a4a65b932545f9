namespace Processing.Worker.Media.Planning;

/// <summary>Decides how frames become 8-bit progressive 4:2:0 in square pixels, and which colours the output states.</summary>
internal static class PicturePlanner
{
    private static readonly OutputColours Bt709 = new("bt709", "bt709", "bt709");

    public static PictureFormat Plan(ProbeStream video, bool dropRepeated)
    {
        var (width, height) = (Math.Max(1, (int)Math.Round(video.Width * AspectOf(video))), video.Height);
        if (video.Rotation is 90 or 270)
            (width, height) = (height, width);
        var conversion = ConversionOf(video);
        return new PictureFormat(width, height, video.IsInterlaced, dropRepeated, conversion, ColoursOf(video, conversion));
    }

    private static double AspectOf(ProbeStream video)
    {
        var parts = (video.SampleAspectRatio ?? "").Split(':');
        return parts.Length == 2 && int.TryParse(parts[0], out var across) && int.TryParse(parts[1], out var down) && across > 0 && down > 0
            ? Math.Clamp((double)across / down, 0.1, 10)
            : 1;
    }

    private static ColourConversion ConversionOf(ProbeStream video) => video switch
    {
        { ColorTransfer: "smpte2084" } => ColourConversion.Pq,
        { ColorTransfer: "arib-std-b67" } => ColourConversion.Hlg,
        { ColorSpace: "bt2020nc" or "bt2020c" } => ColourConversion.WideGamut,
        { PixFmt: { } format } when format.Contains("rgb", StringComparison.Ordinal) || format.Contains("bgr", StringComparison.Ordinal)
            || format.StartsWith("gbr", StringComparison.Ordinal) || format == "pal8" => ColourConversion.Rgb,
        { ColorRange: "pc" } => ColourConversion.FullRange,
        { PixFmt: { } format } when format.StartsWith("yuvj", StringComparison.Ordinal) => ColourConversion.FullRange,
        _ => ColourConversion.None,
    };

    private static OutputColours ColoursOf(ProbeStream video, ColourConversion conversion)
    {
        if (conversion is not (ColourConversion.None or ColourConversion.FullRange))
            return Bt709;

        // Untagged video: by convention BT.709 for HD, BT.601 below.
        var assumed = Math.Min(video.Width, video.Height) >= 720 ? Bt709 : new OutputColours("smpte170m", "smpte170m", "bt709");
        return new OutputColours(
            video.ColorSpace is "bt709" or "smpte170m" or "bt470bg" ? video.ColorSpace : assumed.Matrix,
            video.ColorPrimaries is "bt709" or "smpte170m" or "bt470bg" ? video.ColorPrimaries : assumed.Primaries,
            video.ColorTransfer is "bt709" or "smpte170m" ? video.ColorTransfer : assumed.Transfer);
    }
}
