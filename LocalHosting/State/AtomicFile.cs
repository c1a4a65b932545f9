using System.Text.Json;

namespace LocalHosting.State;

internal static class AtomicFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A reader sees the old file or the new one, never a part; a crash leaves the old one.</summary>
    public static void WriteJson<T>(string path, T value, UnixFileMode? mode = null)
    {
        var next = $"{path}.{Environment.ProcessId}.new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (mode is not null)
            options.UnixCreateMode = mode;
        using (var stream = new FileStream(next, options))
        {
            JsonSerializer.Serialize(stream, value, Indented);
            stream.WriteByte((byte)'\n');
            stream.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
    }
}
