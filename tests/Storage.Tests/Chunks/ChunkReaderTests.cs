using System.Collections.Concurrent;
using System.Net;
using Storage.Fabric.Chunks;
using Xunit;

namespace Storage.Tests.Chunks;

public sealed class ChunkReaderTests : IDisposable
{
    private static readonly TimeSpan _hungCostsAtMost = TimeSpan.FromSeconds(2);

    private readonly HttpClient _http = ChunkHttp.Create();
    private readonly ManualTime _time = new();
    private readonly ConcurrentQueue<TransferSample> _samples = new();

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task A_healthy_first_replica_is_the_only_one_asked()
    {
        var chunk = Sample.Bytes();
        await using var first = await HolderAsync(chunk);
        await using var second = await HolderAsync(chunk);

        Assert.Equal(chunk, await Reader().ReadAsync(Sample.Replicated(chunk, first.Url, second.Url), default));

        Assert.Equal(["GET"], first.Requests.Select(asked => asked.Method));
        Assert.Empty(second.Requests);
        Assert.Equal(new TransferSample(first.Url, TimeSpan.Zero, chunk.Length, true), Assert.Single(_samples));
    }

    public static TheoryData<string> Wrong => new("404", "500", "redirect", "other bytes", "too short", "too long", "cut off", "nothing", "longer in pieces", "endless", "no server", "no URL", "a file");

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_replica_that_is_wrong_is_skipped(string wrong)
    {
        var chunk = Sample.Bytes();
        await using var good = await HolderAsync(chunk);
        await using var bad = await ChunkServer.StartAsync(wrong switch
        {
            "404" => Misbehaviour.Status(404),
            "500" => Misbehaviour.Status(500),
            "redirect" => Misbehaviour.Status(302, $"{good.Url}/chunk/{Sample.ChunkId}"),
            "other bytes" => Misbehaviour.Body([.. chunk[..^1], (byte)(chunk[^1] ^ 1)], chunk.Length),
            "too short" => Misbehaviour.Body(chunk[1..], chunk.Length - 1),
            "too long" => Misbehaviour.Body([.. chunk, 0], chunk.Length + 1),
            "cut off" => Misbehaviour.Body(chunk[..50_000], chunk.Length),
            "nothing" => Misbehaviour.Body([], declared: null),
            "longer in pieces" => Misbehaviour.Body([.. chunk, 0], declared: null),
            _ => Misbehaviour.EndlessBody,
        });
        var url = wrong switch { "no server" => "http://127.0.0.1:1", "no URL" => "node-1", "a file" => "file:///etc", _ => bad.Url };

        Assert.Equal(chunk, await Reader().ReadAsync(Sample.Replicated(chunk, url, good.Url), default));

        Assert.Equal([(url, false), (good.Url, true)], _samples.Select(sample => (sample.NodeUrl, sample.Succeeded)));
        Assert.Single(good.Requests);
        if (wrong == "endless")
        {
            await bad.AbortedAsync();
        }
    }

    /// <summary>By a clock of its own, so that a busy machine does not count.</summary>
    [Fact]
    public async Task A_hung_node_and_one_that_gets_stuck_cost_a_hedge_each()
    {
        var chunk = Sample.Bytes();
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        await using var stuck = await ChunkServer.StartAsync(Misbehaviour.Body(chunk[..1000], chunk.Length, hangs: true));
        await using var good = await HolderAsync(chunk);
        var reading = Reader().ReadAsync(Sample.Replicated(chunk, hung.Url, stuck.Url, good.Url), default);
        await hung.AskedAsync(1);
        _time.Advance(TimeSpan.FromMilliseconds(150));
        await stuck.AskedAsync(1);
        Assert.Empty(good.Requests);

        _time.Advance(TimeSpan.FromMilliseconds(150));

        Assert.Equal(chunk, await reading);
        await hung.AbortedAsync();
        await stuck.AbortedAsync();
    }

    [Fact]
    public async Task A_slow_node_is_hedged_and_then_given_up()
    {
        var chunk = Sample.Bytes();
        await using var slow = await ChunkServer.StartAsync(Misbehaviour.Hang);
        await using var good = await HolderAsync(chunk);
        var reading = Reader().ReadAsync(Sample.Replicated(chunk, slow.Url, good.Url), default);
        await slow.AskedAsync(1);
        Assert.Empty(good.Requests);

        _time.Advance(TimeSpan.FromMilliseconds(150));

        Assert.Equal(chunk, await reading);
        await slow.AbortedAsync();
        Assert.Equal([good.Url], _samples.Select(sample => sample.NodeUrl)); // being slower than another is no failure
    }

    [Fact]
    public async Task The_slow_one_still_wins_when_the_hedge_fails()
    {
        var chunk = Sample.Bytes();
        TaskCompletionSource gate = new();
        await using var slow = await ChunkServer.StartAsync(Misbehaviour.WaitFor(gate.Task));
        slow.Chunks[Sample.ChunkId] = chunk;
        await using var bad = await ChunkServer.StartAsync(Misbehaviour.Status(500));
        var reading = Reader().ReadAsync(Sample.Replicated(chunk, slow.Url, bad.Url), default);
        await slow.AskedAsync(1);
        _time.Advance(TimeSpan.FromMilliseconds(150));
        await bad.AskedAsync(1);

        gate.SetResult();

        Assert.Equal(chunk, await reading);
    }

    [Fact]
    public async Task A_chunk_that_nobody_has_is_unavailable_and_says_why()
    {
        var chunk = Sample.Bytes();
        await using var empty = await ChunkServer.StartAsync();
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        var reading = Reader().ReadAsync(Sample.Replicated(chunk, hung.Url, empty.Url), default);
        await hung.AskedAsync(1);

        _time.Advance(_hungCostsAtMost);

        var refusal = await Assert.ThrowsAsync<ChunkUnavailableException>(() => reading);
        Assert.Contains($"{hung.Url}: no byte for 2 s", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ChunkUnavailableException>(() => Reader().ReadAsync(Sample.Replicated(chunk), default));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Reader().ReadAsync(Sample.Replicated(chunk, empty.Url) with { SizeBytes = int.MaxValue }, default));
    }

    [Fact]
    public async Task Cancelling_ends_the_read_and_its_requests()
    {
        var chunk = Sample.Bytes();
        await using var hung = await ChunkServer.StartAsync(Misbehaviour.Hang);
        using CancellationTokenSource cancel = new();
        var reading = Reader().ReadAsync(Sample.Replicated(chunk, hung.Url), cancel.Token);
        await hung.AskedAsync(1);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await hung.AbortedAsync();
        Assert.Empty(_samples);
    }

    [Fact]
    public async Task Of_a_node_that_sends_on_one_byte_past_the_size_is_read()
    {
        using CountedStream endless = new();
        using HttpClient http = new(new Answering(endless));
        var chunk = Sample.Bytes();

        await Assert.ThrowsAsync<ChunkUnavailableException>(() => new ChunkReader(http, _time).ReadAsync(Sample.Replicated(chunk, "http://node"), default));

        Assert.Equal(chunk.Length + 1, endless.Given);
    }

    private ChunkReader Reader() => new(_http, _time, _samples.Enqueue);

    private static async Task<ChunkServer> HolderAsync(byte[] chunk)
    {
        var server = await ChunkServer.StartAsync();
        server.Chunks[Sample.ChunkId] = chunk;
        return server;
    }

    private sealed class Answering(Stream body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(body) });
    }

    private sealed class CountedStream : Stream
    {
        public int Given { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Given += count;
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Given += buffer.Length;
            return ValueTask.FromResult(buffer.Length);
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
