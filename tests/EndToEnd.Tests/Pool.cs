using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;

namespace EndToEnd.Tests;

/// <summary>Workers, stopped where they are (SIGSTOP) until this is disposed: what is uploaded meanwhile stays UPLOADED.</summary>
internal sealed class HeldPool : IAsyncDisposable
{
    private static readonly string[] _workers = ["processing-worker-0", "processing-worker-1"];

    private readonly string[] _pids;

    private HeldPool(string[] pids) => _pids = pids;

    /// <param name="platform">Whose.</param>
    /// <param name="workers">All of them where none is named.</param>
    public static async Task<HeldPool> HoldAsync(Platform platform, params string[] workers)
    {
        HeldPool held = new([.. (workers.Length > 0 ? workers : _workers).Select(worker => PidOf(platform, worker))]);
        await held.SignalAsync("-STOP");
        return held;
    }

    public async ValueTask DisposeAsync() => await SignalAsync("-CONT");

    private static string PidOf(Platform platform, string worker) => platform.Application.ResourceNotifications.TryGetCurrentState(worker, out var now)
        ? $"{now.Snapshot.Properties.Single(property => property.Name == "executable.pid").Value}"
        : throw new InvalidOperationException($"{worker} is not known.");

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [signal, .. _pids]);
        await kill.WaitForExitAsync();
    }
}
