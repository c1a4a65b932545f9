using System.Text;
using System.Text.Json;
using VideoPlatform.ServiceDefaults;

namespace Live.Api.Streams;

/// <summary>What is wrong with a request, in the order of its discovery and in the seed's words.</summary>
internal sealed class Issues
{
    /// <summary>Who makes more mistakes than these has the first ones to mend.</summary>
    private const int Most = 50;

    private readonly List<string> _all = [];

    public int Count => _all.Count;

    public void Add(string issue)
    {
        if (_all.Count < Most)
        {
            _all.Add(issue);
        }
    }

    public MessageResult ToResult() => new(StatusCodes.Status400BadRequest, "Validation failed.", _all);

    /// <summary>Notes a field that is absent, null or empty, as the seed's handler does.</summary>
    public bool Requires(JsonElement parent, string name, string path, out JsonElement value)
    {
        if (parent.TryGetProperty(name, out value) && !IsEmpty(value))
        {
            return true;
        }

        Add($"{path} is required.");
        return false;
    }

    /// <summary>A text of so many characters, without those that nobody means.</summary>
    public bool ReadsText(JsonElement value, string path, int longest, out string text)
    {
        text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (value.ValueKind != JsonValueKind.String)
        {
            Add($"{path} must be a string.");
            return false;
        }

        var runes = text.EnumerateRunes();
        if (runes.Count() > longest)
        {
            Add($"{path} must have at most {longest} characters.");
            return false;
        }

        if (runes.Any(Rune.IsControl))
        {
            Add($"{path} must not have control characters.");
            return false;
        }

        return true;
    }

    /// <summary>The schema's <c>additionalProperties: false</c>.</summary>
    /// <param name="path">What stands before the names; empty at the root.</param>
    public void RefuseOthers(JsonElement parent, string path, params ReadOnlySpan<string> known)
    {
        foreach (var member in parent.EnumerateObject())
        {
            if (!known.Contains(member.Name))
            {
                Add($"{path}{Shown(member.Name)} is not expected.");
            }
        }
    }

    /// <summary>A name that a stranger chose, short enough to be repeated.</summary>
    public static string Shown(string name) => name.Length <= StreamMetadata.LongestKey ? name : $"{string.Concat(name.EnumerateRunes().Take(StreamMetadata.LongestKey).Select(rune => rune.ToString()))}...";

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => true,
        JsonValueKind.String => value.ValueEquals(""),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };
}
