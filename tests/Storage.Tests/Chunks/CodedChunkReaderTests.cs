using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Tests.Erasure;
using Xunit;

namespace Storage.Tests.Chunks;

public sealed class CodedChunkReaderTests : IAsyncLifetime
{
    private readonly HttpClient _http = ChunkHttp.Create();
    private readonly ManualTime _time = new();
    private readonly byte[] _chunk = Sample.Bytes(100_001);
    private ChunkServer[] _nodes = [];

    public async ValueTask InitializeAsync() => _nodes = await ChunkServer.StartAsync(ChunkLimits.TotalShards + 1);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task With_all_nodes_well_only_data_is_asked_for()
    {
        Assert.Equal(_chunk, await Reader().ReadAsync(Sample.Coded(_chunk, _nodes), default));

        Assert.Equal([1, 1, 1, 0, 0, 0], _nodes.Select(node => node.Requests.Count));
    }

    [Fact]
    public async Task Any_two_lost_fragments_do_not_matter()
    {
        var place = Sample.Coded(_chunk, _nodes);
        foreach (var (first, second) in ErasureCodeTests.Losses())
        {
            var fragments = place.Fragments.Select(fragment => fragment.Index == first || fragment.Index == second ? fragment with { FragmentId = "lost" } : fragment);
            Assert.Equal(_chunk, await Reader().ReadAsync(place with { Fragments = [.. fragments] }, default));
        }
    }

    [Fact]
    public async Task Two_corrupt_fragments_are_replaced_by_parity()
    {
        var place = Sample.Coded(_chunk, _nodes);
        _nodes[0].Chunks[place.Fragments[0].FragmentId][7] ^= 1;
        _nodes[2].Chunks[place.Fragments[2].FragmentId] = [1, 2, 3];

        Assert.Equal(_chunk, await Reader().ReadAsync(place, default));
    }

    [Fact]
    public async Task Hung_data_is_hedged_by_parity()
    {
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        await using var hungToo = await ChunkServer.StartAsync(Misbehaviour.Hang);
        var place = Sample.Coded(_chunk, _nodes);
        FragmentPlace[] fragments = [place.Fragments[0] with { NodeUrl = hung.Url }, place.Fragments[1] with { NodeUrl = hungToo.Url }, .. place.Fragments.Skip(2)];
        var reading = Reader().ReadAsync(place with { Fragments = fragments }, default);
        await Task.WhenAll(hung.AskedAsync(1), hungToo.AskedAsync(1), _nodes[2].AskedAsync(1));
        Assert.Empty(_nodes[3].Requests);

        _time.Advance(TimeSpan.FromMilliseconds(150));

        Assert.Equal(_chunk, await reading);
        await hung.AbortedAsync();
    }

    [Fact]
    public async Task With_too_few_fragments_a_node_that_rebuilds_is_asked()
    {
        var place = Sample.Coded(_chunk, _nodes, _nodes[5].Url);
        _nodes[5].Chunks[Sample.ChunkId] = _chunk;
        foreach (var lost in new[] { 0, 2, 4 })
        {
            _nodes[lost].Chunks.Clear();
        }

        Assert.Equal(_chunk, await Reader().ReadAsync(place, default));

        _nodes[5].Chunks.Clear();
        await Assert.ThrowsAsync<ChunkUnavailableException>(() => Reader().ReadAsync(place, default));
    }

    [Fact]
    public async Task Fragments_that_are_another_chunks_give_no_chunk()
    {
        var place = Sample.Coded(Sample.Bytes(100_002)[1..], _nodes) with { Checksum = Checksum.HexOf(_chunk) };

        var refusal = await Assert.ThrowsAsync<ChunkUnavailableException>(() => Reader().ReadAsync(place, default));

        Assert.Contains("another chunk's", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_with_indexes_and_sizes_that_cannot_be_is_survived()
    {
        var place = Sample.Coded(_chunk, _nodes);
        FragmentPlace[] fragments =
        [
            place.Fragments[0] with { Index = -1 }, place.Fragments[1] with { Index = 5 }, place.Fragments[2] with { SizeBytes = 7 }, place.Fragments[3] with { Index = 4 }, place.Fragments[4],
        ];

        await Assert.ThrowsAsync<ChunkUnavailableException>(() => Reader().ReadAsync(place with { Fragments = fragments }, default));
    }

    private ChunkReader Reader() => new(_http, _time);
}
