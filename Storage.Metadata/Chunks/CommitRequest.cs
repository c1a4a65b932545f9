using System.Text.Json;
using Storage.Fabric;
using Storage.Fabric.Erasure;
using Storage.Metadata.Http;

namespace Storage.Metadata.Chunks;

/// <param name="NodeUrl">As the request wrote it.</param>
internal sealed record RequestedFragment(string Id, int Index, string NodeUrl, int SizeBytes, string Checksum);

/// <summary>A commit's body, checked: what a writer says it has stored, and where.</summary>
/// <param name="NodeUrls">As the request wrote them, each once.</param>
/// <param name="Fragments">Of a coded chunk: five, by index.</param>
internal sealed record CommitRequest(
    string ChunkId, IReadOnlyList<string> NodeUrls, string Checksum, int SizeBytes, string VideoId, int Sequence, string Mode, IReadOnlyList<RequestedFragment>? Fragments)
{
    private const int MostNodes = 16;
    private const int MostUrl = 512;

    /// <summary>More than half of the nodes that it names; of fragments never fewer than make a chunk.</summary>
    public int Quorum => Math.Max((NodeUrls.Count / 2) + 1, Fragments is null ? 1 : ChunkLimits.DataShards);

    /// <returns>Null: the fields say what is wrong.</returns>
    public static CommitRequest? Read(string chunkId, Fields fields)
    {
        var urls = NodeUrlsOf(fields);
        var size = (int)fields.Integer("size_bytes", 1, ChunkLimits.MostBytes);
        var sequence = (int)fields.Integer("sequence_num", 0, int.MaxValue);
        var mode = fields.Text("redundancy_mode", 1, 64, RedundancyMode.Replication);
        if (!RedundancyMode.IsValid(mode))
        {
            fields.Refuse("redundancy_mode", "Input should be 'replication' or 'erasure_coding'", "enum");
        }

        var video = Ids.Video(fields.Text("video_id", 1, 64));
        if (video is null && fields.AreGood)
        {
            fields.Refuse("video_id", "String should match pattern '^[A-Za-z0-9_-]{1,64}$'", "string_pattern_mismatch");
        }

        if (!Fabric.Checksum.TryParse(fields.Text("checksum", 1, 128), out var checksum) && fields.AreGood)
        {
            fields.Refuse("checksum", "Input should be a SHA-256 of 64 hex digits", "value_error");
        }

        var fragments = mode == RedundancyMode.ErasureCoding && fields.AreGood ? FragmentsOf(fields, size) : null;
        return fields.AreGood ? new(chunkId, urls, checksum, size, video!, sequence, mode, fragments) : null;
    }

    private static List<string> NodeUrlsOf(Fields fields)
    {
        List<string> urls = [];
        foreach (var element in fields.List("node_urls", MostNodes))
        {
            if (element.ValueKind == JsonValueKind.String && element.GetString() is { Length: > 0 and <= MostUrl } url)
            {
                urls.Add(url);
            }
            else
            {
                fields.Refuse("node_urls", "Input should be a valid string", "string_type");
            }
        }

        return [.. urls.Distinct(StringComparer.Ordinal)];
    }

    private static List<RequestedFragment> FragmentsOf(Fields fields, int chunkBytes)
    {
        var elements = fields.List("fragments_metadata", ChunkLimits.TotalShards);
        List<RequestedFragment> fragments = [];
        for (var i = 0; i < elements.Count && elements[i].ValueKind == JsonValueKind.Object; i++)
        {
            Fields fragment = new(elements[i], "body", "fragments_metadata", i.ToString(System.Globalization.CultureInfo.InvariantCulture));
            var id = fragment.Text("fragment_id", 1, 64);
            var index = (int)fragment.Integer("fragment_index", 0, ChunkLimits.TotalShards - 1);
            var url = fragment.Text("node_url", 1, MostUrl);
            var size = (int)fragment.Integer("size_bytes", 1, ChunkLimits.MostBytes);
            var isHex = Fabric.Checksum.TryParse(fragment.Text("checksum", 1, 128), out var checksum);
            if (!isHex || !ChunkNames.IsValid(id) || size != ErasureCode.ShardBytes(chunkBytes))
            {
                fragment.Refuse("fragment_id", $"A fragment has an id, a SHA-256, and {ErasureCode.ShardBytes(chunkBytes)} bytes here", "value_error");
            }

            fields.Take(fragment);
            fragments.Add(new(id, index, url, size, checksum));
        }

        if (fields.AreGood && (fragments.Select(fragment => fragment.Index).Distinct().Count() != ChunkLimits.TotalShards || fragments.Select(fragment => fragment.Id).Distinct().Count() != ChunkLimits.TotalShards))
        {
            fields.Refuse("fragments_metadata", "Five fragments are needed, each index from 0 to 4 once", "value_error");
        }

        return [.. fragments.OrderBy(fragment => fragment.Index)];
    }
}
