using System.Text.Json;
using Lifecycle.Contracts.Media;
using Microsoft.Extensions.Logging.Abstractions;
using Processing.Worker.Media;
using Streaming.Api.Playlists;

namespace Media.Tests;

/// <summary>Runs all tasks of a video as the workers would: each in its own scratch directory, chunks in any order, results through JSON.</summary>
internal static class Pipeline
{
    /// <summary>Small and quick, so that many sources fit into the test time.</summary>
    public static MediaSettings Quick { get; } = new() { Preset = "superfast", Ladder = [new(1080, 5000), new(720, 2800), new(180, 600), new(120, 330)] };

    public static FfmpegRunner Ffmpeg { get; } = new(TimeProvider.System, FfmpegPrograms.OnPath, NullLogger<FfmpegRunner>.Instance);

    public static async Task<Published> RunAsync(string source, MediaSettings settings)
    {
        var root = Sources.NewFolder("run");
        var (plan, chunks, audio, files) = await EncodeAsync(source, settings, root);
        var final = Scratch(root, "final");
        var tiles = chunks.OrderBy(chunk => chunk.Index).Select(chunk => chunk.Tiles).OfType<MediaFile>().Select(file => files[file]).ToList();
        var storyboard = await new StoryboardBuilder(Ffmpeg).BuildAsync(plan, tiles, final, CancellationToken.None);
        if (storyboard is not null)
            Register(files, [storyboard.Sprite], final);
        var media = MediaFinalizer.Finalize(
            plan, 1, chunks, audio, storyboard, file => new StoredObject(files[file], file.Bytes, file.Sha256, file.ContentType));
        Assert.Empty(Directory.EnumerateDirectories(root, "work-*", SearchOption.AllDirectories));
        return new Published(root, plan, media.Catalogue, media.Report);
    }

    /// <summary>Plan, chunks and audio, with the path of each file that they made.</summary>
    public static async Task<(MediaPlan Plan, List<ChunkResult> Chunks, AudioResult? Audio, Dictionary<MediaFile, string> Files)> EncodeAsync(string source, MediaSettings settings, string? folder = null)
    {
        var root = folder ?? Sources.NewFolder("run");
        var ct = CancellationToken.None;
        var planScratch = Scratch(root, "plan");
        var plan = Through(await new MediaPlanner(Ffmpeg).PlanAsync(source, planScratch, settings, null, ct), MediaEngineJson.Default.MediaPlan);
        var read = plan.Normalized?.PathIn(planScratch) ?? source;

        var files = new Dictionary<MediaFile, string>();
        if (plan.Copied is { } copied)
        {
            Register(files, [.. copied.Video.Files, .. copied.Audio?.Files ?? []], planScratch);
            return (plan, [copied.Video], copied.Audio, files);
        }

        var chunks = new List<ChunkResult>();
        foreach (var chunk in plan.Chunks.OrderByDescending(chunk => (chunk.Index * 7) % 5).ThenByDescending(chunk => chunk.Index))
        {
            var scratch = Scratch(root, $"chunk-{chunk.Index}");
            var result = Through(
                await new ChunkEncoder(Ffmpeg).EncodeAsync(plan, chunk.Index, read, scratch, null, ct), MediaEngineJson.Default.ChunkResult);
            Register(files, result.Files, scratch);
            chunks.Add(result);
        }

        AudioResult? audio = null;
        if (plan.NeedsAudioTask)
        {
            var scratch = Scratch(root, "audio");
            audio = Through(await new AudioEncoder(Ffmpeg).EncodeAsync(plan, read, scratch, null, ct), MediaEngineJson.Default.AudioResult);
            Register(files, audio.Files, scratch);
        }

        return (plan, chunks, audio, files);
    }

    private static string Scratch(string root, string name) => Directory.CreateDirectory(Path.Combine(root, name)).FullName;

    private static void Register(Dictionary<MediaFile, string> files, IEnumerable<MediaFile> made, string scratch)
    {
        foreach (var file in made)
        {
            Assert.Equal(file.Bytes, new FileInfo(file.PathIn(scratch)).Length);
            files[file] = file.PathIn(scratch);
        }
    }

    private static T Through<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(JsonSerializer.Serialize(value, type), type)!;
}

/// <summary>A finished video on disk: playlists as the server renders them (only the folder called manifest gets another name), segments beside them.</summary>
internal sealed class Published
{
    private readonly string _root;

    public Published(string root, MediaPlan plan, Catalogue catalogue, ConformanceReport report)
    {
        (_root, Plan, Catalogue, Report) = (root, plan, catalogue, report);
        foreach (var track in catalogue.Tracks)
        {
            Write($"tracks/{track.Name}.m3u8", Playlist.Media(catalogue, track.Name)!);
            Link(track.Init, new SegmentId(catalogue.Version, track.Name, null));
            for (var i = 0; i < track.Segments.Count; i++)
                Link(track.Segments[i].Object, new SegmentId(catalogue.Version, track.Name, i));
        }
        foreach (var rendition in catalogue.Video)
            Write($"tracks/{rendition.Name}-iframes.m3u8", Playlist.Media(catalogue, rendition.Name + TrackName.IFramesSuffix)!);
        var manifest = System.Text.RegularExpressions.Regex.Replace(
            Playlist.Multivariant(catalogue), "manifest/(?<track>[a-z0-9-]+)", "tracks/${track}.m3u8", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        Write("master.m3u8", manifest);
    }

    public MediaPlan Plan { get; }

    public Catalogue Catalogue { get; }

    public ConformanceReport Report { get; }

    public string Master => Path.Combine(_root, "master.m3u8");

    public string PlaylistOf(Track track) => Path.Combine(_root, "tracks", $"{track.Name}.m3u8");

    private void Link(StoredObject stored, SegmentId id)
    {
        var path = Path.Combine(_root, "segment", id.ToString());
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(path, stored.Key);
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
