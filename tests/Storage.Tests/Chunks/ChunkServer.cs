using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Storage.Fabric.Chunks;
using Storage.Fabric.Erasure;
using Testing;

namespace Storage.Tests.Chunks;

internal sealed record Asked(string Method, string Id, string? Authorization, string? Checksum);

/// <summary>A node with seed 002's PUT and GET in memory, and any misbehaviour in front of them.</summary>
internal sealed class ChunkServer : IAsyncDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private int _aborted;

    private ChunkServer(Func<HttpContext, Task<bool>> misbehave)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(async context =>
        {
            var id = context.Request.Path.Value!["/chunk/".Length..];
            Requests.Enqueue(new(context.Request.Method, id, context.Request.Headers.Authorization, context.Request.Headers["X-Chunk-Checksum"]));
            using var counted = context.RequestAborted.Register(() => Interlocked.Increment(ref _aborted));
            if (!await misbehave(context))
            {
                await (HttpMethods.IsPut(context.Request.Method) ? PutAsync(context, id) : GetAsync(context, id));
            }
        });
    }

    public ConcurrentDictionary<string, byte[]> Chunks { get; } = new(StringComparer.Ordinal);

    public ConcurrentQueue<Asked> Requests { get; } = new();

    public string Url => _app.Urls.Single();

    /// <param name="misbehave">True: it has answered.</param>
    public static async Task<ChunkServer> StartAsync(Func<HttpContext, Task<bool>>? misbehave = null)
    {
        ChunkServer server = new(misbehave ?? (_ => Task.FromResult(false)));
        await server._app.StartAsync();
        return server;
    }

    public static async Task<ChunkServer[]> StartAsync(int count) => await Task.WhenAll(Enumerable.Range(0, count).Select(_ => StartAsync()));

    public Task AskedAsync(int times) => Poll.UntilAsync(() => Task.FromResult(Requests.Count), count => count >= times, _within, $"{times} requests");

    public Task AbortedAsync() => Poll.UntilAsync(() => Task.FromResult(Volatile.Read(ref _aborted)), count => count > 0, _within, "a request that its client gave up");

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _app.StopAsync(now.Token); // what hangs is not waited for
        await _app.DisposeAsync();
    }

    private async Task PutAsync(HttpContext context, string id)
    {
        using MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        context.Response.StatusCode = Chunks.TryAdd(id, body.ToArray()) ? StatusCodes.Status201Created : StatusCodes.Status200OK;
        context.Response.Headers.ETag = Convert.ToHexStringLower(SHA256.HashData(Chunks[id]));
    }

    private async Task GetAsync(HttpContext context, string id)
    {
        if (!Chunks.TryGetValue(id, out var bytes))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }
}

/// <summary>What a node may do instead of its work.</summary>
internal static class Misbehaviour
{
    public static Func<HttpContext, Task<bool>> Hang { get; } = async context =>
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        return true;
    };

    /// <summary>Does nothing until the gate opens, then its work.</summary>
    public static Func<HttpContext, Task<bool>> WaitFor(Task gate) => async context =>
    {
        await gate.WaitAsync(context.RequestAborted);
        return false;
    };

    public static Func<HttpContext, Task<bool>> Status(int status, string? location = null) => context =>
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = location;
        return Task.FromResult(true);
    };

    /// <param name="declared">Null: no Content-Length, the body comes in pieces.</param>
    /// <param name="hangs">Before the end of the answer.</param>
    public static Func<HttpContext, Task<bool>> Body(byte[] bytes, long? declared, bool hangs = false) => async context =>
    {
        context.Response.ContentLength = declared;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        if (hangs)
        {
            await Hang(context);
        }
        else if (declared > bytes.Length)
        {
            context.Abort();
        }

        return true;
    };

    public static Func<HttpContext, Task<bool>> EndlessBody { get; } = async context =>
    {
        while (true)
        {
            await context.Response.Body.WriteAsync(new byte[65_536], context.RequestAborted);
        }
    };
}

/// <summary>Chunks for tests, and where they are.</summary>
internal static class Sample
{
    public const string ChunkId = "0196fd6e-93a5-7a2b-8d25-1f0f2a5e6b7c-chunk-000";

    public static byte[] Bytes(int count = 100_000)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    public static ChunkPlace Replicated(byte[] chunk, params IEnumerable<string> replicas) =>
        new(ChunkId, 0, chunk.Length, Storage.Fabric.Checksum.HexOf(chunk), Redundancy.Replication, [.. replicas], []);

    /// <summary>Puts each fragment on the node of its index.</summary>
    public static ChunkPlace Coded(byte[] chunk, ChunkServer[] nodes, params IEnumerable<string> rebuilding)
    {
        var shards = ErasureCode.Encode(chunk);
        for (var i = 0; i < shards.Length; i++)
        {
            nodes[i].Chunks[Storage.Fabric.ChunkNames.Fragment(ChunkId, i)] = shards[i];
        }

        return new(ChunkId, 0, chunk.Length, Storage.Fabric.Checksum.HexOf(chunk), Redundancy.ErasureCoding, [.. rebuilding],
            [.. shards.Select((shard, i) => new FragmentPlace(Storage.Fabric.ChunkNames.Fragment(ChunkId, i), i, nodes[i].Url, shard.Length, Storage.Fabric.Checksum.HexOf(shard)))]);
    }
}
