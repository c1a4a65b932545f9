using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace Upload.Api.Uploads;

/// <summary>The text fields of a form that somebody asked for; all others pass unread.</summary>
public sealed class FormTexts(IReadOnlyCollection<string> wanted)
{
    /// <summary>UTF-8 of the longest title, and then some: what is longer is cut, and refused by its length.</summary>
    private const int MostBytes = 4096;

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>The first of that name, without white space around it; null where there was none.</summary>
    public string? Find(string name) => _values.GetValueOrDefault(name);

    internal async Task TakeAsync(string? name, MultipartSection section, CancellationToken ct)
    {
        if (name is null || !wanted.Contains(name) || _values.ContainsKey(name))
        {
            return;
        }

        var bytes = new byte[MostBytes];
        var length = await section.Body.ReadAtLeastAsync(bytes, MostBytes, throwOnEndOfStream: false, ct);
        _values[name] = Encoding.UTF8.GetString(bytes, 0, length).Trim();
    }
}
