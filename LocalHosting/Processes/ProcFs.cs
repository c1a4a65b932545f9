using System.Globalization;

namespace LocalHosting.Processes;

/// <summary>What /proc says of processes, by session: a program's children stay in the session that it was started in.</summary>
internal static class ProcFs
{
    /// <summary>In clock ticks since the machine started; with the pid it names a process for ever.</summary>
    public static long? StartTime(int pid) => Read(pid) is { } p ? p.Start : null;

    /// <summary>The living processes of a session.</summary>
    public static IReadOnlyList<int> Session(int sid)
    {
        List<int> found = [];
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && Read(pid) is { State: not 'Z' } p && p.Session == sid)
                found.Add(pid);
        }

        return found;
    }

    public static void KillSession(int sid)
    {
        // Twice: a process may have forked between the look and the kill.
        for (var i = 0; i < 2; i++)
        {
            foreach (var pid in Session(sid))
                Native.Signal(pid, UnixSignal.KILL);
        }
    }

    private static (char State, int Session, long Start)? Read(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            // The second field is the program's name in brackets and may hold anything, brackets and spaces included.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], int.Parse(fields[3], CultureInfo.InvariantCulture), long.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
