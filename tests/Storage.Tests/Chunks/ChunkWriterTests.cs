using Storage.Fabric;
using Storage.Fabric.Chunks;
using Xunit;

namespace Storage.Tests.Chunks;

public sealed class ChunkWriterTests : IAsyncLifetime
{
    private static readonly TimeSpan _slow = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly HttpClient _http = ChunkHttp.Create();
    private readonly ManualTime _time = new();
    private readonly byte[] _chunk = Sample.Bytes();
    private ChunkServer[] _nodes = [];

    public async ValueTask InitializeAsync() => _nodes = await ChunkServer.StartAsync(4);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task Three_copies_go_to_the_first_three_and_carry_their_checksum()
    {
        var holders = await WriteAsync(_nodes);

        Assert.Equal(Urls(_nodes[..3]), holders.ToHashSet());
        Assert.All(_nodes[..3], node => Assert.Equal(new Asked("PUT", Sample.ChunkId, null, Checksum.HexOf(_chunk)), Assert.Single(node.Requests)));
        Assert.All(_nodes[..3], node => Assert.Equal(_chunk, node.Chunks[Sample.ChunkId]));
        Assert.Empty(_nodes[3].Requests);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(409)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(507)]
    [InlineData(202)]
    public async Task A_node_that_does_not_take_it_is_replaced(int status)
    {
        await using var full = await ChunkServer.StartAsync(Misbehaviour.Status(status));

        Assert.Equal(Urls([_nodes[0], _nodes[1], _nodes[2]]), (await WriteAsync([_nodes[0], full, _nodes[1], _nodes[2]])).ToHashSet());
    }

    [Fact]
    public async Task A_node_that_has_it_already_counts_unless_it_is_another_content()
    {
        _nodes[0].Chunks[Sample.ChunkId] = [.. _chunk];
        _nodes[1].Chunks[Sample.ChunkId] = [1, 2, 3];

        Assert.Equal(Urls([_nodes[0], _nodes[2], _nodes[3]]), (await WriteAsync(_nodes)).ToHashSet());
    }

    /// <summary>By a clock of its own, so that a busy machine does not count.</summary>
    [Fact]
    public async Task A_hung_node_gets_another_beside_it_after_half_a_second()
    {
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        var writing = WriteAsync([hung, .. _nodes]);
        await Task.WhenAll(hung.AskedAsync(1), _nodes[0].AskedAsync(1), _nodes[1].AskedAsync(1));
        Assert.Empty(_nodes[2].Requests);

        _time.Advance(_slow);

        var holders = await writing;
        Assert.Equal(3, holders.Count);
        Assert.Subset(Urls(_nodes), holders.ToHashSet());
        await hung.AbortedAsync();
    }

    [Fact]
    public async Task Two_of_three_are_enough_after_two_seconds_and_not_before()
    {
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        var writing = WriteAsync([hung, _nodes[0], _nodes[1]]);
        await Task.WhenAll(hung.AskedAsync(1), _nodes[0].AskedAsync(1), _nodes[1].AskedAsync(1));
        _time.Advance(_slow);
        Assert.False(writing.IsCompleted);

        _time.Advance(_patience - _slow);

        Assert.Equal(Urls(_nodes[..2]), (await writing).ToHashSet());
        await hung.AbortedAsync();
    }

    [Fact]
    public async Task Less_than_a_majority_is_refused_and_says_why()
    {
        await using var full = await ChunkServer.StartAsync(Misbehaviour.Status(507));
        await using var broken = await ChunkServer.StartAsync(Misbehaviour.Status(500));

        var refusal = await Assert.ThrowsAsync<ChunkUnavailableException>(() => WriteAsync([full, broken, _nodes[0]]));

        Assert.Contains("1 of 3 copies", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"{full.Url}: status 507", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ChunkUnavailableException>(() => WriteAsync([]));
    }

    [Fact]
    public async Task One_node_named_twice_is_one_copy()
    {
        await Assert.ThrowsAsync<ChunkUnavailableException>(() => WriteAsync([_nodes[0], _nodes[0], _nodes[0]]));
    }

    [Fact]
    public async Task Cancelling_ends_the_write_and_its_requests()
    {
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        using CancellationTokenSource cancel = new();
        var writing = new ChunkWriter(_http, _time).WriteAsync(Sample.ChunkId, _chunk, [hung.Url], 1, cancel.Token);
        await hung.AskedAsync(1);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        await hung.AbortedAsync();
    }

    [Fact]
    public async Task The_credential_goes_with_writes_and_not_with_reads()
    {
        using var http = ChunkHttp.Create("a-credential");
        await new ChunkWriter(http, _time).WriteAsync(Sample.ChunkId, _chunk, [_nodes[0].Url], 1, default);
        await new ChunkReader(http, _time).ReadAsync(Sample.Replicated(_chunk, _nodes[0].Url), default);

        Assert.Equal([("PUT", "Bearer a-credential"), ("GET", null)], _nodes[0].Requests.Select(asked => (asked.Method, asked.Authorization)));
    }

    private Task<IReadOnlyList<string>> WriteAsync(ChunkServer[] candidates) =>
        new ChunkWriter(_http, _time).WriteAsync(Sample.ChunkId, _chunk, [.. candidates.Select(node => node.Url)], 3, default);

    private static HashSet<string> Urls(IEnumerable<ChunkServer> nodes) => [.. nodes.Select(node => node.Url)];
}
