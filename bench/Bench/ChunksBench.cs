namespace Bench;

/// <summary>Two workers of one thread each against one worker of two: what handing out chunks gains or costs.</summary>
internal static class ChunksBench
{
    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var source = await Sources.VideoAsync(session, "1920x1080", session.Quick ? 12 : 60, noise: 6, ct);
        // Both platforms run all the time; the one that is not measured has nothing to do.
        var two = await session.StartAsync(new(Workers: 2, Threads: 1), ct);
        var one = await session.StartAsync(new(Workers: 1, Threads: 2), ct);
        await Transcoding.WarmUpAsync(two, session, ct);
        await Transcoding.WarmUpAsync(one, session, ct);

        List<Transcoding> twos = [], ones = [];
        while (session.Another(twos.Count, session.Quick ? 1 : 3))
        {
            twos.Add(await Transcoding.RunAsync(two, source, ct));
            ones.Add(await Transcoding.RunAsync(one, source, ct));
            Session.Print($"pair {twos.Count}: two workers {twos[^1].WallSeconds:0.0} s, one worker {ones[^1].WallSeconds:0.0} s");
        }

        Session.Print("seconds, min / median / max            two workers, 1 thread    one worker, 2 threads");
        void Line(string what, Func<Transcoding, int, double> value) =>
            Session.Print($"  {what,-36} {new Figures(twos.Select(run => value(run, 2))).Text(),-24} {new Figures(ones.Select(run => value(run, 1))).Text()}");
        Line("POST to READY", (run, _) => run.WallSeconds);
        Line("CPU of workers and their ffmpegs", (run, _) => run.Cpu.Total);
        Line("a worker without a task, in all", (run, workers) => run.Timeline.IdleSeconds(workers));
        Line("  of it at the end of the chunks", (run, workers) => run.Timeline.TailSeconds(workers));
        Line("plan", (run, _) => run.Timeline.Plan.Seconds);
        Line("chunks and audio", (run, _) => run.Timeline.PartsEnd - run.Timeline.PartsStart);
        Line("finalize", (run, _) => run.Timeline.Finalize.Seconds);
        return new Figures(twos.Zip(ones, (left, right) => left.WallSeconds / right.WallSeconds)).Median;
    }
}
