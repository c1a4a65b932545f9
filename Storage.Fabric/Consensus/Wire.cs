using System.Text.Json.Serialization;

namespace Storage.Fabric.Consensus;

/// <summary>What Storage.Metadata asks of a node's acceptor. Many travel in one <c>POST /consensus</c>, and share one fsync.</summary>
/// <param name="Kind"><c>prepare</c>, <c>accept</c>, <c>state</c> (changes nothing) or <c>holds</c> (no consensus: is the chunk there, and sound).</param>
/// <param name="Value">Of an accept.</param>
/// <param name="Checksum">Of a holds: 64 lower-case hex digits.</param>
/// <param name="Acceptor">Of whom the promises are wanted; null: of whoever answers. A node whose folder was lost is another acceptor, and abstains.</param>
public sealed record AcceptorRequest(string Kind, string ChunkId, long Ballot = 0, string? Value = null, string? Checksum = null, string? Acceptor = null)
{
    public const string Prepare = "prepare";
    public const string Accept = "accept";
    public const string State = "state";
    public const string Holds = "holds";
}

/// <param name="Granted">Of a state: true, but where the acceptor abstains. Of a holds: whether it is there with that checksum.</param>
public sealed record AcceptorAnswer(bool Granted, long Promised = 0, long AcceptedBallot = 0, string? AcceptedValue = null);

public sealed record AcceptorBatch(IReadOnlyList<AcceptorRequest> Requests)
{
    /// <summary>Of one POST.</summary>
    public const int Most = 256;
}

/// <summary>In the requests' order.</summary>
public sealed record AcceptorAnswers(IReadOnlyList<AcceptorAnswer> Answers);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AcceptorBatch))]
[JsonSerializable(typeof(AcceptorAnswers))]
public sealed partial class ConsensusJson : JsonSerializerContext;
