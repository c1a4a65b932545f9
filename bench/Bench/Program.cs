using System.Globalization;
using System.Runtime.InteropServices;
using Bench;

// ./bench/run NAME [--quick]: measures, prints figures, and as the last line NAME RATIO.
Dictionary<string, Func<Session, CancellationToken, Task<double>>> benches = new(StringComparer.Ordinal)
{
    ["transcode"] = TranscodeBench.RunAsync,
    ["segments"] = SegmentsBench.RunAsync,
    ["live"] = LiveBench.RunAsync,
    ["upload"] = UploadBench.RunAsync,
    ["status"] = StatusBench.RunAsync,
    ["chunks"] = ChunksBench.RunAsync,
    ["start"] = StartBench.RunAsync,
    ["webhooks"] = WebhooksBench.RunAsync,
    ["nodes"] = NodesBench.RunAsync,
    ["commits"] = CommitsBench.RunAsync,
    ["startup"] = StartupBench.RunAsync,
    ["coded"] = CodedBench.RunAsync,
    ["erasure"] = ErasureBench.RunAsync,
    ["jobs"] = (session, ct) => ApiBench.RunAsync(session, ApiBench.JobGet, ct),
    ["initiate"] = (session, ct) => ApiBench.RunAsync(session, ApiBench.Initiate, ct),
};
if (args is not [var name, ..] || !benches.TryGetValue(name, out var bench))
{
    await Console.Error.WriteLineAsync($"Name one of: {string.Join(", ", benches.Keys)}");
    return 2;
}

// Ctrl-C, a terminate signal and a hang end the measuring; disposing then ends every process. The second signal is the system's.
using CancellationTokenSource stop = new(TimeSpan.FromMinutes(20));
void Stop(PosixSignalContext signal)
{
    signal.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    await using Session session = new(quick: args.Contains("--quick", StringComparer.Ordinal));
    var ratio = await bench(session, stop.Token);
    await session.DisposeAsync(); // before the last line
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {ratio:0.00}"));
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Stopped.");
    return 130;
}
catch (Exception exception)
{
    // Handled, so that the session is disposed: an unhandled one ends the process without.
    await Console.Error.WriteLineAsync(exception.ToString());
    return 1;
}
