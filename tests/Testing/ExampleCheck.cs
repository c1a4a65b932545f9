using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Testing;

/// <summary>As much of JSON Schema as the document has.</summary>
public static class ExampleCheck
{
    /// <param name="document">Where references lead to.</param>
    /// <param name="where">Of the value, for the failure's message.</param>
    public static void Holds(JsonNode document, JsonNode schema, JsonNode? value, string where)
    {
        if (schema["$ref"]?.GetValue<string>() is { } reference)
        {
            schema = reference.TrimStart('#', '/').Split('/').Aggregate(document, (node, key) => node[key]!);
        }

        switch (schema["type"]?.GetValue<string>())
        {
            case "object":
                var members = Assert.IsType<JsonObject>(value);
                Assert.All(schema["required"]?.AsArray() ?? [], name => Assert.True(members.ContainsKey(name!.GetValue<string>()), $"{where}: {name} is required"));
                foreach (var (name, member) in members)
                {
                    var known = schema["properties"]?[name] ?? (schema["additionalProperties"] as JsonObject);
                    Assert.True(known is not null, $"{where}: {name} is unknown");
                    Holds(document, known, member, $"{where}/{name}");
                }

                break;
            case "array":
                Assert.All(Assert.IsType<JsonArray>(value), item => Holds(document, schema["items"]!, item, $"{where}[]"));
                break;
            case "string":
                Assert.True(value?.GetValueKind() == JsonValueKind.String, $"{where}: {value} is no text");
                Assert.True(schema["enum"] is not JsonArray values || values.Any(allowed => allowed!.GetValue<string>() == value.GetValue<string>()), $"{where}: {value}");
                Assert.True(schema["format"]?.GetValue<string>() != "date-time" || DateTimeOffset.TryParse(value.GetValue<string>(), CultureInfo.InvariantCulture, out _), $"{where}: {value}");
                Assert.True(schema["format"]?.GetValue<string>() != "uuid" || Guid.TryParse(value.GetValue<string>(), out _), $"{where}: {value} is no UUID");
                break;
            case "integer" or "number":
                Assert.True(value?.GetValueKind() == JsonValueKind.Number, $"{where}: {value} is no number");
                break;
            case "boolean":
                Assert.True(value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False, $"{where}: {value} is neither true nor false");
                break;
            case null:
                break; // anything
            case var other:
                Assert.Fail($"{where}: {other} is not known here");
                break;
        }
    }
}
