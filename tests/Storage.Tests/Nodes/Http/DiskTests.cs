using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Storage.Fabric.Consensus;
using Storage.Node.Consensus;
using Storage.Node.Log.Files;
using Storage.Tests.Nodes.Disks;
using Xunit;

namespace Storage.Tests.Nodes.Http;

/// <summary>The running node on a disk that is full, or fails.</summary>
public sealed class DiskTests : IAsyncLifetime
{
    private static readonly AcceptorBatch _promise = new([new(AcceptorRequest.Prepare, "c", 1)]);

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    private readonly MemoryDisk _disk = new();
    private readonly NodeHost _node;

    public DiskTests() => _node = new() { Disk = _disk };

    public ValueTask InitializeAsync() => _node.StartAsync($"Logging:LogLevel:{typeof(ConsensusRoutes).FullName}=Warning");

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Theory]
    [InlineData(84.99, "healthy", 200)]
    [InlineData(85, "warning", 200)]
    [InlineData(95, "warning", 200)]
    [InlineData(95.01, "critical", 503)]
    public async Task Health_follows_the_disk(double used, string status, int code)
    {
        _disk.Used = used;
        using var health = await _node.SendAsync(HttpMethod.Get, "/health");
        health.HasStatus(code);
        using var body = JsonDocument.Parse(await health.Content.ReadAsStringAsync());
        Assert.Equal(status, body.RootElement.GetProperty("status").GetString());
        Assert.Equal(used, body.RootElement.GetProperty("disk_usage").GetDouble());
    }

    [Fact]
    public async Task Over_95_percent_nothing_new_is_taken_and_all_else_goes_on()
    {
        using var before = await _node.PutAsync("known", [1, 2, 3]);
        before.HasStatus(201);
        _disk.Used = 95.1;
        using var refused = await _node.PutAsync("new", [1, 2, 3]);
        refused.HasStatus(507);
        await refused.DetailAsync();
        using var wrong = await _node.PutAsync("new", [1, 2, 3], ("X-Checksum", "00"));
        wrong.HasStatus(400);
        using var known = await _node.PutAsync("known", [1, 2, 3]);
        known.HasStatus(200);
        using var read = await _node.SendAsync(HttpMethod.Get, "/chunk/known");
        read.HasStatus(200);
        using var deleted = await _node.SendAsync(HttpMethod.Delete, "/chunk/known");
        deleted.HasStatus(204);
        _disk.Used = 95;
        using var taken = await _node.PutAsync("new", [1, 2, 3]);
        taken.HasStatus(201);
    }

    [Fact]
    public async Task A_write_without_room_is_507_and_a_failed_fsync_500()
    {
        _disk.Fault = step =>
        {
            if (step is Step.Written)
            {
                throw new DiskFullException("No space left on device", new IOException());
            }
        };
        using var full = await _node.PutAsync("a", [1]);
        full.HasStatus(507);
        await full.DetailAsync();
        _disk.Fault = step =>
        {
            if (step is Step.Flushed)
            {
                throw new IOException("Input/output error");
            }
        };
        using var failed = await _node.PutAsync("a", [1]);
        failed.HasStatus(500);
        Assert.Equal("Storage error", await failed.DetailAsync());
        using var promise = await _node.Client.PostAsJsonAsync("/consensus", _promise, ConsensusJson.Default.AcceptorBatch);
        promise.HasStatus(503);
        await promise.DetailAsync();
        using var unready = await _node.SendAsync(HttpMethod.Get, "/ready");
        unready.HasStatus(503);
        using var absent = await _node.SendAsync(HttpMethod.Head, "/chunk/a");
        absent.HasStatus(404);

        _disk.Fault = null;
        using var taken = await _node.PutAsync("a", [1]);
        taken.HasStatus(201);
        using var ready = await _node.SendAsync(HttpMethod.Get, "/ready");
        ready.HasStatus(200);
    }

    /// <summary>The first fsync is held until the whole batch has been handed to the log: how many more there are then is no matter of the machine's load.</summary>
    [Fact]
    public async Task A_batch_of_promises_shares_few_fsyncs()
    {
        using var first = await _node.PutAsync("a", [1]);
        var before = _disk.Flushes;
        using Abstention last = new();
        _node.Services.GetRequiredService<ILoggerFactory>().AddProvider(last);
        _disk.Fault = step =>
        {
            if (step is Step.Flushed && !last.Logged.Wait(_patience))
            {
                throw new IOException("The batch is not handed over at once.");
            }
        };
        var promises = Enumerable.Range(1, AcceptorBatch.Most - 1).Select(number => new AcceptorRequest(AcceptorRequest.Accept, $"chunk-{number}", 1, "value"));
        AcceptorBatch batch = new([.. promises, new(AcceptorRequest.State, "last", Acceptor: new string('0', 32))]);
        using var answer = await _node.Client.PostAsJsonAsync("/consensus", batch, ConsensusJson.Default.AcceptorBatch);
        _disk.Fault = null;
        var answers = await answer.Content.ReadFromJsonAsync(ConsensusJson.Default.AcceptorAnswers);
        Assert.All(answers!.Answers.SkipLast(1), accepted => Assert.True(accepted.Granted));
        Assert.InRange(_disk.Flushes - before, 1, AcceptorBatch.Most / 8);
    }

    /// <summary>Hears the node abstain: it does so for the last of a batch when all before it are on their way.</summary>
    private sealed class Abstention : ILoggerProvider, ILogger
    {
        public ManualResetEventSlim Logged { get; } = new();

        public ILogger CreateLogger(string categoryName) => categoryName == typeof(ConsensusRoutes).FullName ? this : NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Logged.Set();

        public void Dispose() => Logged.Dispose();
    }
}
