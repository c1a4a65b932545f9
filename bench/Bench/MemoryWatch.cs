namespace Bench;

/// <summary>Samples the resident memory of processes ten times a second.</summary>
internal sealed class MemoryWatch
{
    private readonly CancellationTokenSource _stop;
    private readonly Task<IReadOnlyList<(long Before, long Peak)>> _watching;

    private MemoryWatch(IReadOnlyList<int> pids, CancellationToken ct)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _watching = WatchAsync(pids, _stop.Token);
    }

    public static MemoryWatch Start(IReadOnlyList<int> pids, CancellationToken ct) => new(pids, ct);

    /// <summary>Of each process: bytes at the start, and at most since then.</summary>
    public async Task<IReadOnlyList<(long Before, long Peak)>> StopAsync()
    {
        await _stop.CancelAsync();
        var seen = await _watching;
        _stop.Dispose();
        return seen;
    }

    private static async Task<IReadOnlyList<(long Before, long Peak)>> WatchAsync(IReadOnlyList<int> pids, CancellationToken ct)
    {
        var seen = pids.Select(pid => (Before: ProcessTimes.Bytes(pid, "VmRSS"), Peak: 0L, HighWater: ProcessTimes.Bytes(pid, "VmHWM"))).ToArray();
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(100));
        do
        {
            for (var i = 0; i < seen.Length; i++)
            {
                // The kernel's own high-water mark, once it has moved, misses nothing between two samples.
                var highWater = ProcessTimes.Bytes(pids[i], "VmHWM");
                seen[i].Peak = Math.Max(seen[i].Peak, highWater > seen[i].HighWater ? highWater : ProcessTimes.Bytes(pids[i], "VmRSS"));
            }
        }
        while (await TickAsync(timer, ct));
        return [.. seen.Select(each => (each.Before, each.Peak))];
    }

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken ct)
    {
        try
        {
            return await timer.WaitForNextTickAsync(ct);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
