using System.Text.Json;
using System.Text.Json.Serialization;
using Storage.Node.Log.Files;

namespace Storage.Node;

/// <summary>Who this node is: what its acceptor has promised was promised under this name, so a folder and a name belong together.</summary>
/// <param name="AcceptorId">Drawn with the folder: the same node with a new folder is another acceptor, since it knows nothing of the promises of the one before.</param>
public sealed record NodeIdentity(string NodeId, string AcceptorId)
{
    private const string FileName = "node.json";

    /// <param name="folder">The data folder.</param>
    /// <param name="nodeId">Null: the folder's own, or a drawn one.</param>
    /// <exception cref="InvalidOperationException">The folder is another node's.</exception>
    public static NodeIdentity Of(string folder, string? nodeId)
    {
        var path = Path.Combine(folder, FileName);
        if (File.Exists(path))
        {
            var kept = Read(path);
            return nodeId is null || nodeId == kept.NodeId
                ? kept
                : throw new InvalidOperationException($"DATA_DIR {folder} is node {kept.NodeId}'s, NODE_ID is {nodeId}. Set NODE_ID={kept.NodeId}, or give this node an empty folder.");
        }

        NodeIdentity identity = new(nodeId ?? $"storage-node-{Guid.NewGuid().ToString("N")[..8]}", Guid.NewGuid().ToString("N"));
        WholeFile.Replace(new FolderDisk(folder), FileName, JsonSerializer.SerializeToUtf8Bytes(identity, IdentityJson.Default.NodeIdentity));
        return identity;
    }

    private static NodeIdentity Read(string path)
    {
        try
        {
            if (JsonSerializer.Deserialize(File.ReadAllBytes(path), IdentityJson.Default.NodeIdentity) is { NodeId.Length: > 0, AcceptorId.Length: > 0 } identity)
            {
                return identity;
            }
        }
        catch (JsonException)
        {
            // The same as an empty one.
        }

        throw new InvalidOperationException($"{path} cannot be read. Restore it: {{\"node_id\":\"...\",\"acceptor_id\":\"...\"}} with the ids that this node always had.");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NodeIdentity))]
internal sealed partial class IdentityJson : JsonSerializerContext;
