using System.Text;

namespace Processing.Worker.Media.Encoders;

/// <summary>
/// The filter graph of a chunk. Each size is scaled from the next larger one: a third cheaper than from the source.
/// Storyboard and poster frames branch off a rendition that exists anyway.
/// </summary>
internal static class FilterGraph
{
    public const string TilesLabel = "tiles";
    public const string PosterLabel = "poster";

    private const int PosterShortSide = 720;
    private const string JpegFormat = "format=yuvj420p";

    public static string RenditionLabel(int index) => $"r{index}";

    public static string Build(MediaPlan plan, ChunkPlan chunk)
    {
        var video = plan.Video!;
        var graph = new StringBuilder($"[0:{video.StreamIndex}]{Source(plan, chunk)}");
        var posterFrom = PosterRendition(video.Renditions);
        for (var i = 0; i < video.Renditions.Count; i++)
        {
            var rendition = video.Renditions[i];
            var last = i == video.Renditions.Count - 1;
            List<string> outputs = [RenditionLabel(i)];
            if (!last)
                outputs.Add($"n{i}");
            if (chunk.PosterTick is not null && i == posterFrom)
                outputs.Add("p");
            if (chunk.TileTicks.Count > 0 && last)
                outputs.Add("t");

            graph.Append(i == 0 ? "," : $";[n{i - 1}]");
            graph.Append(i == 0 ? First(video.Picture, rendition) : Scale(rendition.Width, rendition.Height));
            graph.Append(",setsar=1");
            graph.Append(outputs.Count > 1 ? $",split={outputs.Count}" : "");
            graph.AppendJoin("", outputs.Select(output => $"[{output}]"));
        }

        if (chunk.PosterTick is { } poster)
            graph.Append($";[p]select='{IsFrame(poster)}',scale=out_range=pc,{JpegFormat}[{PosterLabel}]");
        if (chunk.TileTicks.Count > 0)
        {
            var tile = video.Storyboard!;
            graph.Append($";[t]select='{string.Join('+', chunk.TileTicks.Distinct().Select(IsFrame))}',");
            graph.Append($"{Scale(tile.TileWidth, tile.TileHeight)}:out_range=pc,{JpegFormat}[{TilesLabel}]");
        }
        return graph.ToString();
    }

    public static string Scale(int width, int height) => $"scale={width}:{height}:flags=bicubic";

    private static string IsFrame(long tick) => $"eq(pts,{tick + OutputClock.ShiftTicks})";

    /// <summary>From decoded frames to those of this chunk on the output clock. Deinterlacing comes first: it looks at the neighbours across the cut.</summary>
    private static string Source(MediaPlan plan, ChunkPlan chunk)
    {
        var video = plan.Video!;
        var filters = new List<string>();
        if (video.Picture.Interlaced)
            filters.Add("bwdif=mode=send_frame:parity=auto:deint=all");
        if (video.Picture.DropRepeated)
            filters.Add("select='isnan(prev_pts)+gt(pts,prev_pts)'");

        var next = chunk.FirstSegment + chunk.SegmentCount;
        var start = chunk.FirstSegment == 0 ? "" : $"start={OutputClock.Seconds(video.Segments[chunk.FirstSegment].Cut)}";
        var end = next == video.Segments.Count ? "" : $"end={OutputClock.Seconds(video.Segments[next].Cut)}";
        if (start.Length + end.Length > 0)
            filters.Add($"trim={start}{(start.Length > 0 && end.Length > 0 ? ":" : "")}{end}");
        filters.Add($"settb=1/{VideoPlan.Timescale}");
        filters.Add($"setpts=PTS{OutputClock.ShiftTicks - plan.OriginTicks:+0;-0}");
        return string.Join(',', filters);
    }

    /// <summary>To the largest rendition: size, then colours, then 8 bits.</summary>
    public static string First(PictureFormat picture, RenditionPlan rendition)
    {
        var scale = Scale(rendition.Width, rendition.Height);
        const string To709 = "zscale=p=bt709:t=bt709:m=bt709:r=tv";
        const string ToneMap = $"zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,{To709}";
        const string From2020 = "pin=bt2020:min=2020_ncl:rin=tv";
        var colours = picture.Conversion switch
        {
            ColourConversion.FullRange => $"{scale}:in_range=pc:out_range=tv",
            ColourConversion.Rgb => $"{scale}:out_color_matrix=bt709:out_range=tv",
            ColourConversion.WideGamut => $"{scale},{To709}:{From2020}:tin=bt709",
            ColourConversion.Pq => $"{scale},{ToneMap.Replace("npl=100", $"npl=100:{From2020}:tin=smpte2084", StringComparison.Ordinal)}",
            ColourConversion.Hlg => $"{scale},{ToneMap.Replace("npl=100", $"npl=100:{From2020}:tin=arib-std-b67", StringComparison.Ordinal)}",
            _ => scale,
        };
        return $"{colours},format=yuv420p";
    }

    private static int PosterRendition(IReadOnlyList<RenditionPlan> renditions)
    {
        for (var i = 0; i < renditions.Count; i++)
        {
            if (Math.Min(renditions[i].Width, renditions[i].Height) <= PosterShortSide)
                return i;
        }
        return renditions.Count - 1;
    }
}
