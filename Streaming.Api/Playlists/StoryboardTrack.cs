using System.Globalization;
using System.Text;
using Lifecycle.Contracts.Media;

namespace Streaming.Api.Playlists;

/// <summary>The storyboard's WebVTT, served at <c>/stream/{id}/storyboard.vtt</c>: each cue names a rectangle of the sprite beside it.</summary>
public static class StoryboardTrack
{
    public const string ContentType = "text/vtt";

    /// <summary>Null where the catalogue has no storyboard.</summary>
    public static string? Render(Catalogue catalogue)
    {
        if (catalogue.Storyboard is not { } storyboard)
            return null;
        var text = new StringBuilder("WEBVTT\n");
        for (var i = 0; i < storyboard.Count; i++)
        {
            var start = i * storyboard.IntervalSeconds;
            var end = i + 1 < storyboard.Count ? start + storyboard.IntervalSeconds : Math.Max(catalogue.DurationSeconds, start + 0.001);
            var (x, y) = (i % storyboard.Columns * storyboard.TileWidth, i / storyboard.Columns * storyboard.TileHeight);
            text.Append(CultureInfo.InvariantCulture, $"\n{Time(start)} --> {Time(end)}\nstoryboard.jpg#xywh={x},{y},{storyboard.TileWidth},{storyboard.TileHeight}\n");
        }
        return text.ToString();
    }

    private static string Time(double seconds)
    {
        var time = TimeSpan.FromMilliseconds(Math.Round(seconds * 1000));
        return string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours:00}:{time:mm\\:ss\\.fff}");
    }
}
