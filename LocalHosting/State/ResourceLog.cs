using System.Text;

namespace LocalHosting.State;

/// <summary>A resource's output: with its name before each line on the console, and in a file that starts anew at 10 MiB, keeping one predecessor.</summary>
internal sealed class ResourceLog(string name, string file, bool echo, TimeProvider time) : IDisposable
{
    private const long MaxBytes = 10 * 1024 * 1024;
    private const int MaxLine = 16 * 1024;
    private static readonly string[] Colours = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"];
    private static readonly bool IsTerminal = !Console.IsOutputRedirected;
    private readonly Lock _gate = new();
    private readonly string _prefix = IsTerminal ? $"\e[{Colours[name.Sum(c => c) % Colours.Length]}m{name,-18}\e[0m | " : $"{name,-18} | ";
    private FileStream? _stream;
    private bool _closed;

    public void Write(string line)
    {
        if (line.Length > MaxLine)
            line = line[..MaxLine];
        if (echo)
            Console.Out.WriteLine(_prefix + line);
        var bytes = Encoding.UTF8.GetBytes($"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {line}\n");
        lock (_gate)
        {
            if (_closed)
                return;
            _stream ??= Open();
            if (_stream.Length > MaxBytes)
                Rotate();
            _stream.Write(bytes);
            _stream.Flush();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _stream?.Dispose();
        }
    }

    private FileStream Open() => new(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);

    private void Rotate()
    {
        _stream!.Dispose();
        File.Move(file, file + ".1", overwrite: true);
        _stream = Open();
    }
}
