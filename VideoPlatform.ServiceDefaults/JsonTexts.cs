using System.Text.Json;

namespace VideoPlatform.ServiceDefaults;

/// <summary>What the JSON parser takes and is none: an escape of half a surrogate pair would be found out only where the text is read.</summary>
public static class JsonTexts
{
    /// <summary>Reads every text of the element.</summary>
    /// <exception cref="InvalidOperationException">One holds half of a surrogate pair.</exception>
    public static void Require(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    Require(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    _ = member.Name;
                    Require(member.Value);
                }

                break;
        }
    }
}
