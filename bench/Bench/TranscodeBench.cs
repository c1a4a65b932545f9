using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using Processing.Worker.Media;
using Processing.Worker.Media.Encoders;
using Processing.Worker.Media.Ffmpeg;

namespace Bench;

/// <summary>POST to READY against one ffmpeg that makes the same ladder with the same settings.</summary>
internal static class TranscodeBench
{
    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var source = await Sources.VideoAsync(session, "1920x1080", session.Quick ? 12 : 60, noise: 6, ct);
        var platform = await session.StartAsync(new(), ct);
        await Transcoding.WarmUpAsync(platform, session, ct);

        List<Transcoding> products = [];
        List<(double Wall, double Cpu)> raws = [];
        while (session.Another(products.Count, session.Quick ? 1 : 3))
        {
            products.Add(await Transcoding.RunAsync(platform, source, ct));
            raws.Add(await RawAsync(session, await PlanAsync(platform, products[^1].Video, ct), source, ct));
            Session.Print($"pair {products.Count}: product {products[^1].WallSeconds:0.0} s, raw ffmpeg {raws[^1].Wall:0.0} s");
        }

        Session.Print($"ladder: {string.Join(", ", (await PlanAsync(platform, products[0].Video, ct)).Video!.Renditions.Select(rendition => rendition.Name))}, AAC; two workers of one thread against one ffmpeg of {Environment.ProcessorCount}");
        Session.Print("seconds, min / median / max");
        void Line(string what, IEnumerable<double> values) => Session.Print($"  {what,-34} {new Figures(values).Text()}");
        Line("product, POST to READY", products.Select(run => run.WallSeconds));
        Line("raw ffmpeg", raws.Select(run => run.Wall));
        Line("CPU of the product's ffmpegs", products.Select(run => run.Cpu.Children));
        Line("CPU of the workers themselves", products.Select(run => run.Cpu.Own));
        Line("CPU of raw ffmpeg", raws.Select(run => run.Cpu));
        Line("POST to the job's row", products.Select(run => run.UploadSeconds));
        Line("wait for the plan's claim", products.Select(run => run.Timeline.Plan.Start));
        Line("plan", products.Select(run => run.Timeline.Plan.Seconds));
        Line("wait for the first chunk's claim", products.Select(run => run.Timeline.PartsStart - run.Timeline.Plan.End));
        Line("chunks and audio", products.Select(run => run.Timeline.PartsEnd - run.Timeline.PartsStart));
        Line("  of it audio, on one worker", products.Select(run => run.Timeline.AudioSeconds));
        Line("  gap between two tasks of a worker", products.SelectMany(run => run.Timeline.Gaps));
        Line("  tail: one worker without a chunk", products.Select(run => run.Timeline.TailSeconds(workers: 2)));
        Line("wait for finalize's claim", products.Select(run => run.Timeline.Finalize.Start - run.Timeline.PartsEnd));
        Line("finalize", products.Select(run => run.Timeline.Finalize.Seconds));
        Line("READY told to the client", products.Select(run => run.ToldSeconds));
        return new Figures(products.Zip(raws, (product, raw) => product.WallSeconds / raw.Wall)).Median;
    }

    /// <summary>The plan that the platform made, from its row.</summary>
    private static async Task<MediaPlan> PlanAsync(Platform platform, Guid video, CancellationToken ct)
    {
        await using var database = NpgsqlDataSource.Create(await platform.ConnectionStringAsync("videodb", ct));
        await using var command = database.CreateCommand("select (output->'result')::text from tasks where video_id = $1 and kind = 'plan'");
        command.Parameters.Add(new() { Value = video });
        return JsonSerializer.Deserialize((string)(await command.ExecuteScalarAsync(ct))!, MediaEngineJson.Default.MediaPlan)!;
    }

    /// <summary>The whole video as one chunk, and the audio, in one process at the priority of the product's, with as many threads as there are cores. Without storyboard and poster.</summary>
    private static async Task<(double Wall, double Cpu)> RawAsync(Session session, MediaPlan plan, string source, CancellationToken ct)
    {
        plan = plan with { Settings = plan.Settings with { Threads = Environment.ProcessorCount } };
        ChunkPlan whole = new(0, 0, plan.Video!.Segments.Count, null, null, plan.Video.Frames, 0, [], null);
        var audio = AudioArguments.Build(plan, source).SkipWhile(argument => argument != FfmpegArguments.FileUrl(source)).Skip(1);
        var folder = Directory.CreateDirectory(Path.Combine(session.Scratch, "raw")).FullName;
        var cpu = ProcessTimes.CpuSeconds(Environment.ProcessId);
        var started = Stopwatch.GetTimestamp();
        await Tool.RunAsync(folder, ["nice", "-n", "5", "ffmpeg", .. ChunkArguments.Build(plan, whole, source, null), .. audio], ct);
        var wall = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Directory.Delete(folder, recursive: true);
        return (wall, (ProcessTimes.CpuSeconds(Environment.ProcessId) - cpu).Children);
    }
}
