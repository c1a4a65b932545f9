using System.Diagnostics;

namespace Bench;

/// <summary><c>./run</c> with nothing changed since its last build, on empty state: seconds until all is healthy, and until it has ended after SIGTERM.</summary>
internal static class StartBench
{
    private const double AimSeconds = 20;

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        await OnceAsync(session, ct); // builds what has changed
        List<(double Healthy, double Ended)> runs = [];
        while (session.Another(runs.Count, session.Quick ? 1 : 3))
        {
            runs.Add(await OnceAsync(session, ct));
        }

        Figures healthy = new(runs.Select(run => run.Healthy));
        Session.Print("seconds, min / median / max");
        Session.Print($"  from ./run to all healthy    {healthy.Text()}");
        Session.Print($"  from SIGTERM to its end      {new Figures(runs.Select(run => run.Ended)).Text()}");
        Session.Print($"The ratio is the median to healthy over the aim of {AimSeconds} s.");
        return healthy.Median / AimSeconds;
    }

    private static async Task<(double Healthy, double Ended)> OnceAsync(Session session, CancellationToken ct)
    {
        var endpoints = Path.Combine(session.Scratch, "endpoints.json"); // written once all is healthy
        File.Delete(endpoints);
        var started = Stopwatch.GetTimestamp();
        using var run = Process.Start(new ProcessStartInfo("./run", ["--ephemeral", "--endpoints", endpoints]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        var output = run.StandardOutput.ReadToEndAsync(CancellationToken.None);
        double healthy;
        long asked;
        try
        {
            while (!File.Exists(endpoints))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, ct);
                if (run.HasExited)
                {
                    throw new InvalidOperationException($"./run ended with {run.ExitCode}: {await output}");
                }
            }

            healthy = Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
        finally
        {
            asked = Stopwatch.GetTimestamp();
            if (!run.HasExited)
            {
                using var terminate = Process.Start("bash", ["-c", $"kill -TERM {run.Id}"]);
                await run.WaitForExitAsync(CancellationToken.None);
            }
        }

        return (healthy, Stopwatch.GetElapsedTime(asked).TotalSeconds);
    }
}
