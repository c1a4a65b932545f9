using System.Runtime.InteropServices;

namespace LocalHosting.Processes;

internal static partial class Native
{
    public static bool IsRoot { get; } = GetEffectiveUserId() == 0;

    /// <summary>Sends a signal; a process that is gone already is no error.</summary>
    public static void Signal(int pid, UnixSignal signal) => _ = Kill(pid, (int)signal);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}

/// <summary>Names as <c>kill -s</c> and <c>setpriv --pdeathsig</c> take them, numbers as Linux has them on every architecture.</summary>
internal enum UnixSignal
{
    INT = 2,
    QUIT = 3,
    KILL = 9,
    USR1 = 10,
    TERM = 15,
}
