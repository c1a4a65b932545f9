namespace Processing.Worker.Media.Planning;

/// <summary>Lays out the preview images: even intervals, few enough for one sprite.</summary>
internal static class StoryboardPlanner
{
    private const int MaxColumns = 10;

    private static readonly double[] Intervals = [2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];

    public static StoryboardPlan? Plan(double durationSeconds, PictureFormat picture, MediaSettings settings)
    {
        if (settings.StoryboardTiles <= 0)
            return null;
        var interval = Intervals.FirstOrDefault(seconds => durationSeconds <= seconds * settings.StoryboardTiles, durationSeconds / settings.StoryboardTiles);
        var count = Math.Clamp((int)Math.Ceiling(durationSeconds / interval), 1, settings.StoryboardTiles);
        var scale = Math.Min(1, settings.TileSize / (double)Math.Max(picture.Width, picture.Height));
        var columns = Math.Min(MaxColumns, count);
        return new StoryboardPlan(
            columns, (count + columns - 1) / columns, Even(picture.Width * scale), Even(picture.Height * scale), count, interval);
    }

    private static int Even(double size) => Math.Max(2, 2 * (int)Math.Round(size / 2));
}
