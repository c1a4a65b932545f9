namespace Testing;

/// <summary>Arms a fault point (see FaultPoints) of the processes that look into a folder.</summary>
public static class FaultFile
{
    /// <summary>The file is there at once with its text: a process that came by in between would read none.</summary>
    public static void Arm(string folder, string point, string action)
    {
        var written = Path.Combine(folder, $"{point}.new");
        File.WriteAllText(written, action);
        File.Move(written, Path.Combine(folder, point), overwrite: true);
    }
}
