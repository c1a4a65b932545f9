using System.Globalization;
using System.Text.Json;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata.Http;

/// <summary>
/// Reads the fields of a JSON object one by one and collects what is wrong with them, so that a client learns all of it at once. Numbers
/// written as text are taken, as they always were.
/// </summary>
internal sealed class Fields(JsonElement body, params string[] loc)
{
    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = 8 };

    private readonly List<ValidationIssue> _issues = [];

    public bool AreGood => _issues.Count == 0;

    public UnprocessableResult Refusal => new(_issues);

    /// <summary>The body as an object; null with the answer where it is none.</summary>
    public static async Task<(Fields? Fields, IResult? Refusal)> OfBodyAsync(HttpContext context)
    {
        JsonElement root;
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, _strict, context.RequestAborted);
            root = document.RootElement.Clone();
            JsonTexts.Require(root);
        }
        catch (InvalidOperationException)
        {
            return (null, new UnprocessableResult([new(["body"], "JSON decode error: half of a surrogate pair", "json_invalid")]));
        }
        catch (JsonException exception)
        {
            var isEmpty = exception is { LineNumber: 0, BytePositionInLine: 0 } && context.Request.ContentLength is null or 0;
            return (null, new UnprocessableResult([isEmpty ? ValidationIssue.Missing("body") : new(["body"], "JSON decode error", "json_invalid")]));
        }

        return root.ValueKind == JsonValueKind.Object
            ? (new(root, "body"), null)
            : (null, new UnprocessableResult([new(["body"], "Input should be a valid dictionary or object to extract fields from", "model_attributes_type")]));
    }

    /// <summary>What is wrong with a part is wrong with the whole.</summary>
    public void Take(Fields part) => _issues.AddRange(part._issues);

    public void Refuse(string name, string message, string type) => _issues.Add(new([.. loc, name], message, type));

    /// <param name="name">Of the field.</param>
    /// <param name="least">Characters.</param>
    /// <param name="most">Characters.</param>
    /// <param name="usual">Where it is absent or null; none: it is required.</param>
    public string Text(string name, int least, int most, string? usual = null)
    {
        if (Find(name) is not { } value)
        {
            return usual ?? Missing(name, "");
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            Refuse(name, "Input should be a valid string", "string_type");
            return "";
        }

        var text = value.GetString()!;
        if (text.Length < least)
        {
            Refuse(name, $"String should have at least {least} character{(least == 1 ? "" : "s")}", "string_too_short");
        }
        else if (text.Length > most)
        {
            Refuse(name, $"String should have at most {most} characters", "string_too_long");
        }
        else if (text.Contains('\0', StringComparison.Ordinal))
        {
            Refuse(name, "String should not hold NUL", "value_error"); // Postgres keeps none
        }

        return text;
    }

    public long Integer(string name, long least, long most)
    {
        var number = Number(name, least, most, "integer", "int");
        if (Math.Truncate(number) == number)
        {
            return (long)number;
        }

        Refuse(name, "Input should be a valid integer, got a number with a fractional part", "int_from_float");
        return 0;
    }

    public double Double(string name, double least, double most) => Number(name, least, most, "number", "float");

    /// <summary>The elements of a required array of at least one and at most <paramref name="most"/>.</summary>
    public IReadOnlyList<JsonElement> List(string name, int most)
    {
        if (Find(name) is not { } value)
        {
            return Missing<IReadOnlyList<JsonElement>>(name, []);
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            Refuse(name, "Input should be a valid list", "list_type");
            return [];
        }

        var length = value.GetArrayLength();
        if (length == 0)
        {
            Refuse(name, "List should have at least 1 item after validation, not 0", "too_short");
        }
        else if (length > most)
        {
            Refuse(name, $"List should have at most {most} items after validation, not {length}", "too_long");
            return [];
        }

        return [.. value.EnumerateArray()];
    }

    public bool Has(string name) => Find(name) is not null;

    /// <summary>Whether an optional field is this text. Beyond what is documented anything may be sent: another value is as good as none.</summary>
    public bool Is(string name, string text) => Find(name) is { ValueKind: JsonValueKind.String } value && value.ValueEquals(text);

    private double Number(string name, double least, double most, string noun, string type)
    {
        if (Find(name) is not { } value)
        {
            return Missing(name, least);
        }

        double number = 0;
        var valid = value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetDouble(out number),
            JsonValueKind.String => double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out number),
            _ => false,
        };
        if (!valid || !double.IsFinite(number))
        {
            Refuse(name, $"Input should be a valid {noun}", value.ValueKind == JsonValueKind.String ? $"{type}_parsing" : $"{type}_type");
            return least;
        }

        if (number < least)
        {
            Refuse(name, string.Create(CultureInfo.InvariantCulture, $"Input should be greater than or equal to {least}"), "greater_than_equal");
        }
        else if (number > most)
        {
            Refuse(name, string.Create(CultureInfo.InvariantCulture, $"Input should be less than or equal to {most}"), "less_than_equal");
        }

        return number;
    }

    private T Missing<T>(string name, T instead)
    {
        _issues.Add(ValidationIssue.Missing([.. loc, name]));
        return instead;
    }

    private JsonElement? Find(string name) => body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
