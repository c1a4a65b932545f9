using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Storage.Metadata.Chunks;

/// <summary>A fragment of a coded chunk; on which node it is, the placement says.</summary>
/// <param name="Checksum">Bare lower-case hex.</param>
internal sealed record PlacedFragment(string Id, int Index, int SizeBytes, string Checksum);

/// <summary>What is decided of a chunk, once and for all: its content, and where it was first.</summary>
/// <param name="Checksum">Bare lower-case hex.</param>
/// <param name="Nodes">Ids: of the replicas, or of the fragments by index with "" for one that no node held.</param>
/// <param name="Urls">What those nodes' addresses were.</param>
internal sealed record ChunkDecision(
    string ChunkId, string VideoId, int Sequence, int SizeBytes, string Checksum, string Mode, IReadOnlyList<string> Nodes, IReadOnlyList<string> Urls, IReadOnlyList<PlacedFragment>? Fragments)
{
    /// <summary>The value that acceptors keep: the same text for the same decision, whoever writes it.</summary>
    public string ToValue() => JsonSerializer.Serialize(this, DecisionJson.Default.ChunkDecision);

    /// <summary>Whether both say the same of the content; the first placement is a matter of who came first.</summary>
    public bool IsSameContent(ChunkDecision other) =>
        (ChunkId, VideoId, Sequence, SizeBytes, Checksum, Mode) == (other.ChunkId, other.VideoId, other.Sequence, other.SizeBytes, other.Checksum, other.Mode);

    public static bool TryParse(string value, [NotNullWhen(true)] out ChunkDecision? decision)
    {
        try
        {
            decision = JsonSerializer.Deserialize(value, DecisionJson.Default.ChunkDecision);
        }
        catch (JsonException)
        {
            decision = null;
        }

        return decision is not null;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChunkDecision))]
[JsonSerializable(typeof(IReadOnlyList<PlacedFragment>))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class DecisionJson : JsonSerializerContext;
