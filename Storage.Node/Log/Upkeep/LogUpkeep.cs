using Microsoft.Extensions.Options;

namespace Storage.Node.Log.Upkeep;

/// <summary>Checkpoints and compaction, round by round; the scrub beside them.</summary>
public sealed partial class LogUpkeep(NodeStore store, IOptions<NodeOptions> options, TimeProvider time, ILogger<LogUpkeep> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(TendAsync(stoppingToken), ScrubAsync(stoppingToken));

    private async Task TendAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(options.Value.UpkeepSeconds), time);
        while (await timer.WaitForNextTickAsync(ct))
        {
            try
            {
                store.Log.SaveMarks();
                store.Log.Checkpoints.TakeDue();
                await store.Log.Compaction.RunAsync(options.Value.CompactAtGarbage, ct);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Failures.Upkeep(logger, exception.Message); // nothing is lost by it; the next round tries again
            }
        }
    }

    private async Task ScrubAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(TimeSpan.FromHours(options.Value.ScrubHours), time);
        do // at once: a node that is started every day is scrubbed too
        {
            var corrupt = await store.Log.Scrub.RunAsync((long)(options.Value.ScrubMegabytesPerSecond * (1 << 20)), time, ct);
            Failures.Scrubbed(logger, corrupt);
        }
        while (await timer.WaitForNextTickAsync(ct));
    }

    private static partial class Failures
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Upkeep was interrupted: {Reason}")]
        public static partial void Upkeep(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "Scrub: everything was read, {Corrupt} records are corrupt")]
        public static partial void Scrubbed(ILogger logger, int corrupt);
    }
}
