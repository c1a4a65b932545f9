using Testing;

namespace EndToEnd.Tests;

/// <summary>Workers, stopped where they are (SIGSTOP) until this is disposed: what is uploaded meanwhile stays UPLOADED.</summary>
internal sealed class HeldPool : IAsyncDisposable
{
    private static readonly string[] _workers = ["processing-worker-0", "processing-worker-1"];

    private readonly int[] _pids;

    private HeldPool(int[] pids) => _pids = pids;

    /// <param name="platform">Whose.</param>
    /// <param name="workers">All of them where none is named.</param>
    public static async Task<HeldPool> HoldAsync(Platform platform, params string[] workers)
    {
        HeldPool held = new([.. (workers.Length > 0 ? workers : _workers).Select(platform.Pid)]);
        await Signals.SendAsync("STOP", held._pids);
        return held;
    }

    public async ValueTask DisposeAsync() => await Signals.SendAsync("CONT", _pids);
}
