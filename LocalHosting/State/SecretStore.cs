using System.Text.Json;

namespace LocalHosting.State;

/// <summary>Generated parameter values, kept so that the data folders they protect open again: a file that only its owner reads.</summary>
internal sealed class SecretStore(string file)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _values = File.Exists(file)
        ? JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(file)) ?? []
        : [];

    public string GetOrAdd(string name, Func<string> make)
    {
        lock (_gate)
        {
            if (_values.TryGetValue(name, out var value))
                return value;
            value = make();
            _values[name] = value;
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            AtomicFile.WriteJson(file, _values, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return value;
        }
    }
}
