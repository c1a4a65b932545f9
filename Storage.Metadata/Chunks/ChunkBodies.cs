using System.Text.Json.Serialization;

namespace Storage.Metadata.Chunks;

/// <param name="Detail">Of an error: the message once more, under the name that seed 002 gives it in all errors.</param>
internal sealed record CommitBody(
    bool Success, IReadOnlyList<string> CommittedNodes, string Message, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Detail = null);

internal sealed record FragmentsBody(string ChunkId, IReadOnlyList<FragmentBody> Fragments);

/// <param name="NodeUrl">Empty while the fragment is nowhere.</param>
/// <param name="Status"><c>active</c>, or <c>missing</c> while its node is down.</param>
internal sealed record FragmentBody(string FragmentId, string ChunkId, int FragmentIndex, string NodeUrl, int SizeBytes, string Checksum, string Status, DateTime CreatedAt);

/// <param name="AcceptedValue">A JSON array of addresses, as text.</param>
/// <param name="Phase"><c>none</c>, <c>prepare</c>, <c>accept</c> or <c>committed</c>.</param>
internal sealed record ConsensusBody(string ChunkId, long PromisedBallot, long AcceptedBallot, string? AcceptedValue, string Phase);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CommitBody))]
[JsonSerializable(typeof(FragmentsBody))]
[JsonSerializable(typeof(ConsensusBody))]
internal sealed partial class ChunkJson : JsonSerializerContext;
