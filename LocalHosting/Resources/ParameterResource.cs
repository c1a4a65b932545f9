using System.Security.Cryptography;
using System.Text.Json;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value from outside: configuration <c>Parameters:{name}</c>, or what its default makes.</summary>
public class ParameterResource : Resource, IManifestExpressionProvider, IValueProvider
{
    private readonly Lazy<string> _value;

    public ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false)
        : base(name)
    {
        Secret = secret;
        _value = new(() => callback(Default));
    }

    public ParameterDefault? Default { get; set; }

    public bool Secret { get; }

    public bool IsConnectionString { get; set; }

    public string ValueExpression => IsConnectionString ? $"{{{Name}.connectionString}}" : $"{{{Name}.value}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<string?>(_value.Value);

    /// <summary>The value when it is there; null when neither configuration nor a default has one.</summary>
    internal string Value => _value.Value;
}

public abstract class ParameterDefault
{
    internal abstract void WriteToManifest(Utf8JsonWriter writer);

    public abstract string GetDefaultValue();
}

/// <summary>A random value of at least <see cref="MinLength"/> characters from the chosen groups, made with the system's random generator.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    private const string LowerChars = "abcdefghjkmnpqrstuvwxyz"; // without i, l, o: read aloud they look like 1 and 0
    private const string UpperChars = "ABCDEFGHJKMNPQRSTUVWXYZ";
    private const string NumericChars = "0123456789";
    private const string SpecialChars = "-_.{}~()*+!";

    public int MinLength { get; set; }

    public bool Lower { get; set; } = true;

    public bool Upper { get; set; } = true;

    public bool Numeric { get; set; } = true;

    public bool Special { get; set; } = true;

    public int MinLower { get; set; }

    public int MinUpper { get; set; }

    public int MinNumeric { get; set; }

    public int MinSpecial { get; set; }

    public override string GetDefaultValue()
    {
        (bool Used, int Min, string Chars)[] groups = [(Lower, MinLower, LowerChars), (Upper, MinUpper, UpperChars), (Numeric, MinNumeric, NumericChars), (Special, MinSpecial, SpecialChars)];
        var all = string.Concat(groups.Where(g => g.Used).Select(g => g.Chars));
        if (all.Length == 0)
            throw new InvalidOperationException("A generated parameter needs at least one group of characters.");
        var value = groups.Where(g => g.Used && g.Min > 0).SelectMany(g => RandomNumberGenerator.GetItems<char>(g.Chars, g.Min)).ToList();
        value.AddRange(RandomNumberGenerator.GetItems<char>(all, Math.Max(0, MinLength - value.Count)));
        var chars = value.ToArray();
        RandomNumberGenerator.Shuffle(chars.AsSpan());
        return new string(chars);
    }

    internal override void WriteToManifest(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("generate");
        writer.WriteNumber("minLength", MinLength);
        foreach (var (name, used) in new[] { ("lower", Lower), ("upper", Upper), ("numeric", Numeric), ("special", Special) })
            if (!used)
                writer.WriteBoolean(name, value: false);
        foreach (var (name, min) in new[] { ("minLower", MinLower), ("minUpper", MinUpper), ("minNumeric", MinNumeric), ("minSpecial", MinSpecial) })
            if (min != 0)
                writer.WriteNumber(name, min);
        writer.WriteEndObject();
    }
}

internal sealed class ConstantParameterDefault(string value) : ParameterDefault
{
    public override string GetDefaultValue() => value;

    internal override void WriteToManifest(Utf8JsonWriter writer) => writer.WriteString("value", value);
}
