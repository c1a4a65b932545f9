using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Storage.Fabric;
using Storage.Fabric.Consensus;

namespace Storage.Tests.Metadata;

/// <summary>
/// A storage node in memory, with the routes of the real one and the production acceptor, that can be stopped, started again at its address,
/// emptied and made to misbehave. Foreign: it speaks only the documented API.
/// </summary>
internal sealed class TestNode(string id, bool isNative = true, string? credential = null) : IAsyncDisposable
{
    private readonly MemoryLog _log = new();
    private WebApplication? _app;
    private Acceptor? _acceptor;

    public string Id => id;

    public string Url { get; private set; } = "";

    public ConcurrentDictionary<string, byte[]> Chunks { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers no consensus message, as if the disk of its log had gone.</summary>
    public bool RefusesConsensus { get; set; }

    /// <summary>Answers PUTs with 507.</summary>
    public bool IsFull { get; set; }

    /// <summary>Messages that came in each POST.</summary>
    public ConcurrentQueue<int> Batches { get; } = new();

    public double DiskUsage { get; set; } = 10;

    public async Task<TestNode> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(Url.Length > 0 ? Url : "http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = ChunkLimits.MostBytes);
        _acceptor = new(_log); // a restart keeps the log, as a disk does
        _app = builder.Build();
        _app.MapMethods("/ping", ["GET", "HEAD"], context =>
        {
            context.Response.Headers["X-Node-ID"] = id;
            return Task.CompletedTask;
        });
        _app.MapGet("/health", () => Results.Json(new { status = "healthy", disk_usage = DiskUsage, chunk_count = Chunks.Count, uptime = 1, node_id = id }));
        _app.MapMethods("/chunk/{chunk}", ["GET", "HEAD"], GetAsync);
        _app.MapPut("/chunk/{chunk}", PutAsync);
        _app.MapDelete("/chunk/{chunk}", (string chunk, HttpContext context) => !Knows(context) ? Results.StatusCode(401) : Chunks.TryRemove(chunk, out _) ? Results.NoContent() : Results.NotFound());
        if (isNative)
        {
            _app.MapPost("/consensus", (Delegate)ConsensusAsync);
        }

        await _app.StartAsync();
        Url = _app.Urls.Single();
        return this;
    }

    /// <summary>As a machine that is switched off: what it holds is there when it starts again.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _app, null) is { } app)
        {
            using CancellationTokenSource now = new();
            await now.CancelAsync();
            await app.StopAsync(now.Token);
            await app.DisposeAsync();
        }
    }

    public ValueTask DisposeAsync() => new(StopAsync());

    private bool Knows(HttpContext context) => credential is null || context.Request.Headers.Authorization == $"Bearer {credential}";

    private async Task GetAsync(HttpContext context, string chunk)
    {
        if (!Chunks.TryGetValue(chunk, out var bytes))
        {
            context.Response.StatusCode = 404;
            return;
        }

        context.Response.Headers.ETag = Checksum.HexOf(bytes);
        context.Response.ContentLength = bytes.Length;
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(bytes);
        }
    }

    private async Task<IResult> PutAsync(HttpContext context, string chunk)
    {
        if (!Knows(context))
        {
            return Results.StatusCode(401);
        }

        using MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body);
        if (IsFull)
        {
            return Results.StatusCode((int)HttpStatusCode.InsufficientStorage);
        }

        return Results.StatusCode(Chunks.TryAdd(chunk, body.ToArray()) ? 201 : 200);
    }

    private async Task<IResult> ConsensusAsync(HttpContext context)
    {
        if (!Knows(context) || RefusesConsensus)
        {
            return Results.StatusCode(RefusesConsensus ? 500 : 401);
        }

        var batch = await context.Request.ReadFromJsonAsync(ConsensusJson.Default.AcceptorBatch);
        Batches.Enqueue(batch!.Requests.Count);
        var answers = await Task.WhenAll(batch.Requests.Select(AnswerAsync));
        return Results.Json(new AcceptorAnswers(answers), ConsensusJson.Default.AcceptorAnswers);
    }

    private async Task<AcceptorAnswer> AnswerAsync(AcceptorRequest request)
    {
        switch (request.Kind)
        {
            case AcceptorRequest.Prepare:
                var promise = await _acceptor!.PrepareAsync(request.ChunkId, request.Ballot, CancellationToken.None);
                return new(promise.Granted, promise.Promised, promise.AcceptedBallot, promise.AcceptedValue);
            case AcceptorRequest.Accept:
                var accept = await _acceptor!.AcceptAsync(request.ChunkId, request.Ballot, request.Value!, CancellationToken.None);
                return new(accept.Granted, accept.Promised);
            case AcceptorRequest.State:
                var state = await _acceptor!.StateAsync(request.ChunkId, CancellationToken.None);
                return new(true, state.Promised, state.AcceptedBallot, state.AcceptedValue);
            default:
                return new(Chunks.TryGetValue(request.ChunkId, out var bytes) && Checksum.HexOf(bytes) == request.Checksum);
        }
    }

    private sealed class MemoryLog : IAcceptorLog
    {
        private readonly ConcurrentDictionary<string, AcceptorState> _states = new(StringComparer.Ordinal);

        public ValueTask<AcceptorState> ReadAsync(string chunkId, CancellationToken ct) => new(_states.GetValueOrDefault(chunkId, AcceptorState.None));

        public Task WriteAsync(string chunkId, AcceptorState state, CancellationToken ct)
        {
            _states[chunkId] = state;
            return Task.CompletedTask;
        }
    }
}
