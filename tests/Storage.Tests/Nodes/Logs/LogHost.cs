using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Storage.Node;
using Storage.Node.Log;
using Storage.Node.Log.Files;
using Storage.Node.Log.Frames;

namespace Storage.Tests.Nodes.Logs;

/// <summary>A log on a given disk, with what it counted and said.</summary>
public sealed class LogHost : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly CollectingLogger _logger = new();

    public LogHost(ILogDisk disk, long superblockBytes = 1 << 20)
    {
        Metrics = new(_services.GetRequiredService<IMeterFactory>());
        Log = new(disk, superblockBytes, Metrics, _logger);
    }

    public ChunkLog Log { get; }

    public NodeMetrics Metrics { get; }

    public IReadOnlyCollection<string> Said => _logger.Messages;

    public Task<bool> PutAsync(string id, byte[] bytes)
    {
        var frame = new byte[Frame.HeaderBytes + bytes.Length];
        bytes.CopyTo(frame, Frame.HeaderBytes);
        return Log.PutAsync(id, frame, SHA256.HashData(bytes), CancellationToken.None);
    }

    public Task<bool> DeleteAsync(string id) => Log.DeleteAsync(id, CancellationToken.None);

    /// <returns>Null: there is none.</returns>
    public byte[]? Read(string id)
    {
        var into = new byte[4 << 20];
        return Log.Read(id, into) is { } entry ? into[..entry.Length] : null;
    }

    public static byte[] Bytes(int seed, int length)
    {
        var bytes = new byte[length];
#pragma warning disable CA5394 // contents, not secrets
        new Random(seed).NextBytes(bytes);
#pragma warning restore CA5394
        return bytes;
    }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        await _services.DisposeAsync();
    }

    private sealed class CollectingLogger : ILogger
    {
        private readonly ConcurrentQueue<string> _messages = new();

        public IReadOnlyCollection<string> Messages => _messages;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _messages.Enqueue(formatter(state, exception));
    }
}
