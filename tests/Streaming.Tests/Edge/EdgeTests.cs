using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Storage.Fabric.Chunks;
using Streaming.Tests.Platform;
using Testing;

namespace Streaming.Tests.Edge;

/// <summary>Segments from the chunk store's nodes, with S3 behind them: real nodes, a real Storage.Metadata, and either side away.</summary>
public sealed class EdgeTests(Stack stack) : IClassFixture<Stack>
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Segments_of_an_edge_copy_come_from_the_nodes_byte_for_byte(bool isCoded)
    {
        await using var store = await ChunkStore.StartAsync(stack);
        var video = await stack.Library.ReadyAsync(5_000_001, 70_001);
        var copyId = await store.PlaceAsync(video, isCoded);
        var chunks = await store.ChunksAsync(copyId);
        Assert.Equal(11, chunks.Count); // nine objects; 5,000,001 bytes are three pieces, their quarter is one
        Assert.All(chunks, chunk => Assert.Equal(isCoded ? Redundancy.ErasureCoding : Redundancy.Replication, chunk.Mode));
        await stack.Library.AddEdgeCopyAsync(video, copyId);

        var replica = await stack.StartReplicaAsync($"ChunkStore:MetadataUrl={store.MetadataUrl}");
        using FetchCounts counts = new(replica);
        await ReadAllAsync(replica, video);
        Assert.Equal((video.Segments.Count, 0), (counts.Of("edge"), counts.Of("store")));
        Assert.All(video.Segments.Keys, segment => Assert.Equal(0, stack.Store.GetsOf(video.ObjectOf(segment).Key)));
    }

    [Fact]
    public async Task Objects_too_large_for_memory_come_from_the_nodes_too()
    {
        await using var store = await ChunkStore.StartAsync(stack);
        var video = await stack.Library.ReadyAsync(5_000_001);
        await stack.Library.AddEdgeCopyAsync(video, await store.PlaceAsync(video));
        var replica = await stack.StartReplicaAsync($"ChunkStore:MetadataUrl={store.MetadataUrl}", "Streaming:MemoryBytes=1048576");
        await ReadAllAsync(replica, video);
        Assert.All(video.Segments.Keys, segment => Assert.Equal(0, stack.Store.GetsOf(video.ObjectOf(segment).Key)));
    }

    [Fact]
    public async Task With_S3_and_Storage_Metadata_away_what_was_opened_before_plays_from_the_nodes()
    {
        await using var store = await ChunkStore.StartAsync(stack);
        var video = await stack.Library.ReadyAsync(2_500_000, 70_001);
        await stack.Library.AddEdgeCopyAsync(video, await store.PlaceAsync(video));
        var replica = await stack.StartReplicaAsync($"ChunkStore:MetadataUrl={store.MetadataUrl}");
        Assert.NotEmpty(await replica.Client.GetByteArrayAsync($"/stream/{video.Id}/segment/v1-audio-init.mp4"));
        await store.StopMetadataAsync();
        stack.Store.IsDown = true;
        try
        {
            await ReadAllAsync(replica, video);
        }
        finally
        {
            stack.Store.IsDown = false;
        }
    }

    [Fact]
    public async Task With_the_nodes_away_S3_serves()
    {
        await using var store = await ChunkStore.StartAsync(stack);
        var video = await stack.Library.ReadyAsync(2_500_000, 70_001);
        await stack.Library.AddEdgeCopyAsync(video, await store.PlaceAsync(video));
        var replica = await stack.StartReplicaAsync($"ChunkStore:MetadataUrl={store.MetadataUrl}");
        Assert.NotEmpty(await replica.Client.GetByteArrayAsync($"/stream/{video.Id}/segment/v1-audio-init.mp4"));
        await store.StopNodesAsync();
        await ReadAllAsync(replica, video);
        await store.StopMetadataAsync();
        await ReadAllAsync(await stack.StartReplicaAsync($"ChunkStore:MetadataUrl={store.MetadataUrl}"), video);
    }

    [Fact]
    public async Task A_chunk_store_that_never_answers_costs_a_miss_its_patience_and_soon_nothing()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start(); // connections are taken by the system, and nobody reads them
        var video = await stack.Library.ReadyAsync([.. Enumerable.Repeat(1000, 12)]);
        await stack.Library.AddEdgeCopyAsync(video, Guid.CreateVersion7());
        var replica = await stack.StartReplicaAsync($"ChunkStore:MetadataUrl=http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}", "ChunkStore:ReadSeconds=1");
        using FetchCounts counts = new(replica);
        var began = Stopwatch.GetTimestamp();
        await ReadAllAsync(replica, video);
        var took = Stopwatch.GetElapsedTime(began);
        Assert.Equal(video.Segments.Count, counts.Of("store"));
        Assert.InRange(counts.Failures, 3, 8); // three open the circuit; then one in five seconds, and not one of 39
        Assert.True(took < TimeSpan.FromSeconds(20), $"{took.TotalSeconds:0.0} s for {video.Segments.Count} misses");
    }

    [Fact]
    public async Task Chunks_that_are_not_the_catalogues_are_not_served()
    {
        await using var store = await ChunkStore.StartAsync(stack);
        var video = await stack.Library.ReadyAsync(2_500_000, 70_001);
        await stack.Library.AddEdgeCopyAsync(video, await store.PlaceAsync(video, alter: piece => [.. piece[..^1], (byte)~piece[^1]]));
        await ReadAllAsync(await stack.StartReplicaAsync($"ChunkStore:MetadataUrl={store.MetadataUrl}"), video);
    }

    [Fact]
    public async Task A_copy_that_comes_or_goes_while_the_video_is_cached_is_noticed()
    {
        await using var store = await ChunkStore.StartAsync(stack);
        var video = await stack.Library.ReadyAsync([.. Enumerable.Repeat(1000, 60)]);
        var segments = new Queue<string>(video.Segments.Keys);
        var replica = await stack.StartReplicaAsync($"ChunkStore:MetadataUrl={store.MetadataUrl}", "Streaming:RecheckSeconds=1");
        using FetchCounts counts = new(replica);
        async Task<int> NextFromAsync(string tier)
        {
            var before = counts.Of(tier);
            await ReadAsync(replica, video, segments.Dequeue());
            return counts.Of(tier) - before;
        }

        Assert.Equal(1, await NextFromAsync("store"));
        await stack.Library.AddEdgeCopyAsync(video, await store.PlaceAsync(video));
        await Poll.UntilAsync(() => NextFromAsync("edge"), hits => hits == 1, _soon, "The copy is read from");
        await stack.Library.RefuseEdgeCopyAsync(video.Id);
        await Poll.UntilAsync(() => NextFromAsync("store"), hits => hits == 1, _soon, "The copy is left alone");
    }

    [Fact]
    public async Task Manifests_that_are_asked_for_are_counted_as_views()
    {
        var video = await stack.Library.ReadyAsync(1000);
        for (var i = 0; i < 3; i++)
        {
            Assert.NotEmpty(await stack.Replica.Client.GetStringAsync($"/stream/{video.Id}/manifest"));
        }

        await Poll.UntilAsync(() => stack.Library.ViewsAsync(video.Id), views => views == 3, _soon, "The views are counted");
    }

    private static async Task ReadAllAsync(Replica replica, SeededVideo video)
    {
        foreach (var segment in video.Segments.Keys)
        {
            await ReadAsync(replica, video, segment);
        }
    }

    private static async Task ReadAsync(Replica replica, SeededVideo video, string segment) =>
        Assert.Equal(video.Segments[segment], await replica.Client.GetByteArrayAsync($"/stream/{video.Id}/segment/{segment}"));

    /// <summary>Where a replica's misses were answered from.</summary>
    private sealed class FetchCounts : IDisposable
    {
        private readonly MeterListener _listener = new();
        private int _edge;
        private int _store;
        private int _failures;

        public FetchCounts(Replica replica)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, replica.Meters) && instrument.Name is "streaming.fetch.objects" or "streaming.edge.failures")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            {
                if (instrument.Name == "streaming.edge.failures")
                {
                    Interlocked.Add(ref _failures, (int)value);
                }
                else if ((string?)tags[0].Value == "edge")
                {
                    Interlocked.Add(ref _edge, (int)value);
                }
                else
                {
                    Interlocked.Add(ref _store, (int)value);
                }
            });
            _listener.Start();
        }

        public int Failures => Volatile.Read(ref _failures);

        public int Of(string tier) => tier == "edge" ? Volatile.Read(ref _edge) : Volatile.Read(ref _store);

        public void Dispose() => _listener.Dispose();
    }
}
