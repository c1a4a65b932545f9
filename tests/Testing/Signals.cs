using System.Diagnostics;

namespace Testing;

/// <summary>Signals to processes of the platform under test. The shell's own <c>kill</c>: the program is a package that a bare machine may lack.</summary>
public static class Signals
{
    /// <param name="signal">As <c>kill</c> names it: KILL, STOP, CONT.</param>
    public static async Task SendAsync(string signal, params IEnumerable<int> pids)
    {
        using var kill = Process.Start("bash", ["-c", $"kill -{signal} {string.Join(' ', pids)}"]);
        await kill.WaitForExitAsync();
    }
}
