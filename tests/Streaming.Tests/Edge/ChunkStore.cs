using System.Globalization;
using System.Net;
using Lifecycle.Contracts.Media;
using Microsoft.AspNetCore.Builder;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Metadata;
using Storage.Node;
using Streaming.Tests.Platform;
using Testing;

namespace Streaming.Tests.Edge;

/// <summary>The production chunk store in this process: Storage.Metadata over a database of its own, and five nodes with a folder each.</summary>
public sealed class ChunkStore : IAsyncDisposable
{
    private const int Nodes = 5;

    private static readonly string[] _usual = ["--urls=http://127.0.0.1:0", "--environment=Development", "--Logging:LogLevel:Default=None"];

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("edge-nodes-");
    private readonly List<WebApplication> _nodes = [];
    private readonly HttpClient _nodeHttp = ChunkHttp.Create();
    private readonly HttpClient _metadataHttp;
    private readonly MetadataClient _client;
    private WebApplication? _metadata;

    private ChunkStore(WebApplication metadata)
    {
        _metadata = metadata;
        MetadataUrl = metadata.Urls.Single();
        _metadataHttp = new() { BaseAddress = new(MetadataUrl) };
        _client = new(_metadataHttp);
    }

    public string MetadataUrl { get; }

    public static async Task<ChunkStore> StartAsync(Stack stack)
    {
        var metadata = StorageMetadata.Build([
            .. _usual, "--Metadata:ProbeSeconds=0.25", "--Metadata:Conversions=false", $"--ConnectionStrings:storagedb={await stack.CreateDatabaseAsync($"t{Guid.NewGuid():N}")}"]);
        await metadata.StartAsync();
        ChunkStore store = new(metadata);
        for (var i = 1; i <= Nodes; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"storage-node-{i}");
            var node = StorageNode.Build(
                [.. _usual, $"--DATA_DIR={Path.Combine(store._root.FullName, name)}", $"--NODE_ID={name}", $"--METADATA_SERVICE_URL={store.MetadataUrl}", "--Node:HeartbeatSeconds=0.5"]);
            await node.StartAsync();
            store._nodes.Add(node);
        }

        await Poll.UntilAsync(async () => (await store._client.HealthyNodesAsync(default)).Count, known => known == Nodes, TimeSpan.FromSeconds(60), "The nodes are known");
        return store;
    }

    /// <summary>Places a copy of a video as the rule says: the tracks in the catalogue's order, each its initialization segment first, in pieces of 2 MiB.</summary>
    /// <param name="isCoded">Three fragments and two of parity instead of three replicas.</param>
    /// <param name="alter">What is placed instead of a piece.</param>
    public async Task<Guid> PlaceAsync(SeededVideo video, bool isCoded = false, Func<byte[], byte[]>? alter = null)
    {
        var copyId = Guid.CreateVersion7();
        await _client.CreateEdgeCopyAsync(copyId, "An edge copy", 60, default);
        var sequence = 0;
        foreach (var track in video.Catalogue.Tracks)
        {
            foreach (var index in Enumerable.Range(-1, track.Segments.Count + 1))
            {
                foreach (var piece in video.Segments[new SegmentId(video.Catalogue.Version, track.Name, index < 0 ? null : index).ToString()].Chunk(2 << 20))
                {
                    await PutAsync(copyId, sequence++, alter?.Invoke(piece) ?? piece, isCoded);
                }
            }
        }

        await _client.SetStatusAsync(copyId, "active", default);
        return copyId;
    }

    public async Task<IReadOnlyList<ChunkPlace>> ChunksAsync(Guid copyId) => (await _client.ManifestAsync(copyId, default))!.Chunks;

    public async Task StopMetadataAsync()
    {
        if (Interlocked.Exchange(ref _metadata, null) is { } metadata)
        {
            await metadata.StopAsync();
            await metadata.DisposeAsync();
        }
    }

    public async Task StopNodesAsync()
    {
        foreach (var node in _nodes)
        {
            await node.StopAsync();
            await node.DisposeAsync();
        }

        _nodes.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await StopNodesAsync();
        await StopMetadataAsync();
        _metadataHttp.Dispose();
        _nodeHttp.Dispose();
        _root.Delete(recursive: true);
    }

    private async Task PutAsync(Guid copyId, int sequence, byte[] bytes, bool isCoded)
    {
        var chunkId = ChunkNames.Chunk(copyId, sequence);
        string[] urls = [.. _nodes.Select(node => node.Urls.Single())];
        CommitBody commit;
        if (isCoded)
        {
            var fragments = await new FragmentWriter(_nodeHttp, TimeProvider.System).WriteAsync(chunkId, bytes, urls, default);
            commit = new([.. fragments.Select(fragment => fragment.NodeUrl)], Checksum.HexOf(bytes), bytes.Length, copyId, sequence, Redundancy.ErasureCoding,
                [.. fragments.Select(fragment => new CommitFragment(fragment.FragmentId, fragment.Index, fragment.NodeUrl, fragment.SizeBytes, fragment.Checksum))]);
        }
        else
        {
            var holders = await new ChunkWriter(_nodeHttp, TimeProvider.System).WriteAsync(chunkId, bytes, urls, ChunkLimits.Replicas, default);
            commit = new(holders, Checksum.HexOf(bytes), bytes.Length, copyId, sequence);
        }

        var answer = await Poll.UntilAsync(() => CommitAsync(chunkId, commit), told => told is not null, TimeSpan.FromSeconds(60), $"The place of {chunkId} is agreed on");
        Assert.True(answer!.Success, answer.Message);
    }

    /// <summary>Null where too few acceptors have answered in time (503): the same commit may be repeated, and a busy machine needs that.</summary>
    private async Task<CommitAnswer?> CommitAsync(string chunkId, CommitBody commit)
    {
        try
        {
            return await _client.CommitAsync(chunkId, commit, default);
        }
        catch (HttpRequestException exception) when (exception.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            return null;
        }
    }
}
