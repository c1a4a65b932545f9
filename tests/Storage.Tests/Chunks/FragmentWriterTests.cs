using Storage.Fabric;
using Storage.Fabric.Chunks;
using Xunit;

namespace Storage.Tests.Chunks;

public sealed class FragmentWriterTests : IAsyncLifetime
{
    private readonly HttpClient _http = ChunkHttp.Create();
    private readonly ManualTime _time = new();
    private ChunkServer[] _nodes = [];

    public async ValueTask InitializeAsync() => _nodes = await ChunkServer.StartAsync(5);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(100_000)]
    [InlineData(ChunkLimits.MostBytes)]
    public async Task Five_fragments_go_to_five_nodes_and_give_the_chunk_back(int size)
    {
        var chunk = Sample.Bytes(size);

        var places = await WriteAsync(chunk, _nodes);

        Assert.Equal([0, 1, 2, 3, 4], places.Select(place => place.Index));
        Assert.Equal(_nodes.Select(node => node.Url), places.Select(place => place.NodeUrl));
        ChunkPlace coded = new(Sample.ChunkId, 0, size, Checksum.HexOf(chunk), Redundancy.ErasureCoding, [], [.. places.Skip(2)]);
        Assert.Equal(chunk, await new ChunkReader(_http, _time).ReadAsync(coded, default));
    }

    [Fact]
    public async Task A_fragment_whose_node_fails_goes_to_one_that_has_none()
    {
        await using var full = await ChunkServer.StartAsync(Misbehaviour.Status(507));

        var places = await WriteAsync(Sample.Bytes(), [_nodes[0], full, .. _nodes[1..]]);

        Assert.Equal(_nodes.Select(node => node.Url).ToHashSet(), places.Select(place => place.NodeUrl).ToHashSet());
        Assert.Equal(_nodes[4].Url, places[1].NodeUrl);
    }

    [Fact]
    public async Task Four_are_enough_after_two_seconds_and_three_never()
    {
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        var writing = WriteAsync(Sample.Bytes(), [hung, .. _nodes[1..]]);
        await Task.WhenAll([hung.AskedAsync(1), .. _nodes[1..].Select(node => node.AskedAsync(1))]);

        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal([1, 2, 3, 4], (await writing).Select(place => place.Index));
        await Assert.ThrowsAsync<ChunkUnavailableException>(() => WriteAsync(Sample.Bytes(), _nodes[..3]));
    }

    [Fact]
    public async Task Cancelling_ends_the_write()
    {
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        using CancellationTokenSource cancel = new();
        var writing = new FragmentWriter(_http, _time).WriteAsync(Sample.ChunkId, Sample.Bytes(), [hung.Url, .. _nodes.Select(node => node.Url)], cancel.Token);
        await hung.AskedAsync(1);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        await hung.AbortedAsync();
    }

    private Task<IReadOnlyList<FragmentPlace>> WriteAsync(byte[] chunk, ChunkServer[] candidates) =>
        new FragmentWriter(_http, _time).WriteAsync(Sample.ChunkId, chunk, [.. candidates.Select(node => node.Url)], default);
}
