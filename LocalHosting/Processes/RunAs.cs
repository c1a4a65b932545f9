namespace LocalHosting.Processes;

internal static class RunAs
{
    /// <summary>The wished account when the engine is root and the machine has it; null: the engine's own.</summary>
    public static string? Choose(string? user) =>
        user is not null && Native.IsRoot && File.ReadLines("/etc/passwd").Any(l => l.StartsWith(user + ":", StringComparison.Ordinal)) ? user : null;
}
