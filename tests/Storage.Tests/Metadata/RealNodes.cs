using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Storage.Node;
using Testing;

namespace Storage.Tests.Metadata;

/// <summary>Production nodes in this process, each with its folder, which register themselves.</summary>
internal sealed class RealNodes : IAsyncDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("metadata-nodes-");
    private readonly WebApplication?[] _nodes;
    private readonly string[] _urls;
    private readonly string _metadata;

    private RealNodes(int count, string metadata) => (_nodes, _urls, _metadata) = (new WebApplication?[count], new string[count], metadata);

    public IReadOnlyList<string> Urls => _urls;

    public static string IdOf(int index) => string.Create(CultureInfo.InvariantCulture, $"storage-node-{index + 1}");

    public static async Task<RealNodes> StartAsync(MetadataHost host, int count)
    {
        RealNodes nodes = new(count, host.Http.BaseAddress!.ToString());
        for (var i = 0; i < count; i++)
        {
            await nodes.StartAsync(i);
        }

        await Poll.UntilAsync(
            async () => (await host.QueryAsync("select count(*) from nodes where is_native", row => row.GetInt64(0)))[0], known => known == count, TimeSpan.FromSeconds(30), "nodes known to be native");
        return nodes;
    }

    /// <summary>At its old address, if it had one.</summary>
    public async Task StartAsync(int index)
    {
        var node = StorageNode.Build(
        [
            $"--urls={_urls[index] ?? "http://127.0.0.1:0"}", "--environment=Development", "--Logging:LogLevel:Default=None", $"--DATA_DIR={FolderOf(index)}", $"--NODE_ID={IdOf(index)}",
            $"--METADATA_SERVICE_URL={_metadata}", "--Node:HeartbeatSeconds=0.5",
        ]);
        await node.StartAsync();
        (_nodes[index], _urls[index]) = (node, node.Urls.Single());
    }

    public async Task StopAsync(int index)
    {
        if (Interlocked.Exchange(ref _nodes[index], null) is { } node)
        {
            await node.StopAsync();
            await node.DisposeAsync();
        }
    }

    /// <summary>What the node has stored is gone; the node is stopped.</summary>
    public void DeleteFolder(int index) => Directory.Delete(FolderOf(index), recursive: true);

    public async ValueTask DisposeAsync()
    {
        for (var i = 0; i < _nodes.Length; i++)
        {
            await StopAsync(i);
        }

        _root.Delete(recursive: true);
    }

    private string FolderOf(int index) => Path.Combine(_root.FullName, IdOf(index));
}
