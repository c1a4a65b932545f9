namespace Storage.Node.Log.Files;

/// <summary>Small files that are there whole, or as they were: written beside their name, flushed, and renamed.</summary>
internal static class WholeFile
{
    private const string Temporary = ".writing";

    /// <summary>What a crash has left: to be deleted at start.</summary>
    public static bool IsLeftover(string name) => name.EndsWith(Temporary, StringComparison.Ordinal);

    /// <summary>Durable when it returns.</summary>
    public static void Replace(ILogDisk disk, string name, ReadOnlyMemory<byte> bytes)
    {
        var temporary = name + Temporary;
        if (disk.Names().Contains(temporary))
        {
            disk.Delete(temporary);
        }

        using (var file = disk.Create(temporary))
        {
            file.Write([bytes], 0);
            file.Flush();
        }

        disk.Rename(temporary, name);
        disk.FlushFolder();
    }

    /// <returns>Null: there is none.</returns>
    public static byte[]? Read(ILogDisk disk, string name)
    {
        if (!disk.Names().Contains(name))
        {
            return null;
        }

        using var file = disk.Open(name);
        var bytes = new byte[checked((int)file.Length)];
        return bytes[..file.Read(bytes, 0)];
    }
}
