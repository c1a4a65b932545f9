using Storage.Fabric;
using Storage.Fabric.Erasure;

namespace Storage.Tests.Metadata;

/// <summary>A chunk with its five fragments, as a writer that codes would have it.</summary>
internal sealed record CodedChunk(string Id, string VideoId, int Sequence, byte[] Bytes, byte[][] Shards)
{
    public static CodedChunk Of(string videoId, byte[] bytes, int sequence = 0) => new(ChunkNames.Chunk(Guid.Parse(videoId), sequence), videoId, sequence, bytes, ErasureCode.Encode(bytes));

    public void StoreOn(TestNode[] nodes)
    {
        for (var i = 0; i < Shards.Length; i++)
        {
            nodes[i].Chunks[ChunkNames.Fragment(Id, i)] = Shards[i];
        }
    }

    public object Commit(TestNode[] nodes) => new
    {
        node_urls = nodes.Take(Shards.Length).Select(node => node.Url).ToArray(),
        checksum = Checksum.HexOf(Bytes),
        size_bytes = Bytes.Length,
        video_id = VideoId,
        sequence_num = Sequence,
        redundancy_mode = "erasure_coding",
        fragments_metadata = Shards.Select((shard, index) => new
        {
            fragment_id = ChunkNames.Fragment(Id, index), fragment_index = index, node_url = nodes[index].Url, size_bytes = shard.Length, checksum = Checksum.InJson(Checksum.HexOf(shard)),
        }).ToArray(),
    };
}
