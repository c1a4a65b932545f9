using Microsoft.Extensions.Options;
using Storage.Fabric.Consensus;
using Storage.Node.Consensus;
using Storage.Node.Log;
using Storage.Node.Log.Files;

namespace Storage.Node;

/// <summary>The node's folder while it runs: locked, known by name, its log read. It is open before the first request is taken.</summary>
public sealed partial class NodeStore(IOptions<NodeOptions> options, Func<string, ILogDisk> diskOf, NodeMetrics metrics, TimeProvider time, ILogger<NodeStore> logger)
    : IHostedService, IAsyncDisposable
{
    private FolderLock? _lock;
    private ChunkLog? _log;
    private NodeIdentity? _identity;
    private Acceptor? _acceptor;

    public ChunkLog Log => _log ?? throw NotOpen();

    public NodeIdentity Identity => _identity ?? throw NotOpen();

    public Acceptor Acceptor => _acceptor ?? throw NotOpen();

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var folder = CreateFolder(Path.GetFullPath(options.Value.DataDir));
        _lock = FolderLock.Take(folder);
        _identity = NodeIdentity.Of(folder, options.Value.NodeId);
        _log = new(diskOf(folder), options.Value.SuperblockBytes, metrics, logger);
        _acceptor = new(new AcceptorLog(_log));
        Messages.Opened(logger, _identity.NodeId, _log.ChunkCount, _log.Superblocks.Count, time.GetElapsedTime(started).TotalMilliseconds);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After the last request.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }

        _lock?.Dispose();
    }

    /// <summary>A folder whose name is only in memory would take all that was acknowledged with it.</summary>
    private static string CreateFolder(string folder)
    {
        if (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
        {
            var above = CreateFolder(parent);
            Directory.CreateDirectory(folder);
            new FolderDisk(above).FlushFolder();
        }

        return folder;
    }

    private static InvalidOperationException NotOpen() => new("The node has not started.");

    private static partial class Messages
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Node {NodeId} holds {Chunks} chunks in {Superblocks} superblocks; read in {Milliseconds:0} ms")]
        public static partial void Opened(ILogger logger, string nodeId, int chunks, int superblocks, double milliseconds);
    }
}
