namespace Storage.Metadata.Nodes;

/// <summary>
/// An acceptor as a chunk's group names it: <c>NODE#ACCEPTOR</c>. The second part is drawn with the node's folder, so that a node that
/// comes back with an empty one under its old name is not taken for the acceptor that has promised.
/// </summary>
/// <param name="AcceptorId">32 hex digits; null: of a node that names none.</param>
internal readonly record struct AcceptorName(string NodeId, string? AcceptorId)
{
    public const int IdLength = 32;

    private const char Separator = '#';

    public static bool IsId(string text) => text.Length == IdLength && text.All(char.IsAsciiHexDigitLower);

    public static AcceptorName Parse(string name) =>
        name.Length > IdLength + 1 && name[^(IdLength + 1)] == Separator && IsId(name[^IdLength..]) ? new(name[..^(IdLength + 1)], name[^IdLength..]) : new(name, null);

    public override string ToString() => AcceptorId is null ? NodeId : $"{NodeId}{Separator}{AcceptorId}";
}
