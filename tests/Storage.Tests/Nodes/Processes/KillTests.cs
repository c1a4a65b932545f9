using System.Collections.Concurrent;
using System.Net.Http.Json;
using Storage.Fabric.Consensus;
using Storage.Tests.Nodes.Logs;
using Xunit;

namespace Storage.Tests.Nodes.Processes;

/// <summary>A real process is killed at random moments while eight writers store, delete and promise. What it had answered holds.</summary>
public sealed class KillTests : IDisposable
{
    private const int Writers = 8;
    private const int Kills = 20;
    private const int LeastStored = 1000;

    private readonly string _folder = Directory.CreateTempSubdirectory("storage-kill-").FullName;
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = TimeSpan.FromSeconds(20) };
    private readonly ConcurrentDictionary<string, int> _stored = new();
    private readonly ConcurrentDictionary<string, bool> _deleted = new();
    private readonly ConcurrentDictionary<string, long> _promised = new();
    private int _next;

    [Fact]
    public async Task Every_answered_put_deletion_and_promise_outlives_twenty_kills()
    {
        var port = NodeProcess.FreePort();
        for (var kill = 0; kill < Kills; kill++)
        {
            using var node = await NodeProcess.StartAsync(_folder, port, _client);
            var least = LeastStored * (kill + 1) / Kills;
            using CancellationTokenSource stop = new();
            var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(node.Address, writer, stop.Token))).ToList();
            // In the middle of whatever is going on when so many have been answered.
            await Testing.Poll.UntilAsync(() => Task.FromResult(_stored.Count), count => count >= least + Random.Shared.Next(20), TimeSpan.FromSeconds(60), "answered PUTs");
            await node.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }

        using var last = await NodeProcess.StartAsync(_folder, port, _client);
        foreach (var (id, length) in _stored.Where(stored => !_deleted.ContainsKey(stored.Key)))
        {
            var bytes = await _client.GetByteArrayAsync(new Uri(last.Address, "/chunk/" + id));
            Assert.True(bytes.AsSpan().SequenceEqual(Content(id, length)), id);
        }

        foreach (var id in _deleted.Where(deleted => deleted.Value).Select(deleted => deleted.Key))
        {
            using var gone = await _client.GetAsync(new Uri(last.Address, "/chunk/" + id));
            Assert.Equal(404, (int)gone.StatusCode);
        }

        foreach (var (id, ballot) in _promised)
        {
            var state = await AskAsync(last.Address, new(AcceptorRequest.State, id), CancellationToken.None);
            Assert.True(state.Promised >= ballot, $"{id}: promised {ballot}, remembers {state.Promised}");
            Assert.Equal($"value {state.AcceptedBallot}", state.AcceptedValue);
        }

        Assert.True(_stored.Count >= LeastStored && _promised.Count == Writers && _deleted.Values.Any(done => done));
    }

    [Fact]
    public async Task A_second_process_on_the_folder_ends_and_says_why()
    {
        using var first = await NodeProcess.StartAsync(_folder, NodeProcess.FreePort(), _client);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => NodeProcess.StartAsync(_folder, NodeProcess.FreePort(), _client));
        Assert.Contains("is in use by another process", refused.Message, StringComparison.Ordinal);
        await first.KillAsync();
        using var next = await NodeProcess.StartAsync(_folder, NodeProcess.FreePort(), _client);
    }

    public void Dispose()
    {
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task WriteAsync(Uri address, int writer, CancellationToken ct)
    {
        for (var turn = 0; !ct.IsCancellationRequested; turn++)
        {
            try
            {
                var number = Interlocked.Increment(ref _next);
                var (id, length) = ($"chunk-{number}", 1000 + (number % 50_000));
                using ByteArrayContent content = new(Content(id, length));
                using var stored = await _client.PutAsync(new Uri(address, "/chunk/" + id), content, ct);
                if ((int)stored.StatusCode == 201)
                {
                    _stored[id] = length;
                }

                if (turn % 4 == 0)
                {
                    _deleted[id] = false;
                    using var deleted = await _client.DeleteAsync(new Uri(address, "/chunk/" + id), ct);
                    _deleted[id] = (int)deleted.StatusCode == 204;
                }

                var accepted = await AskAsync(address, new(AcceptorRequest.Accept, $"writer-{writer}", number, $"value {number}"), ct);
                if (accepted.Granted)
                {
                    _promised[$"writer-{writer}"] = number;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
            {
                return; // killed
            }
        }
    }

    private async Task<AcceptorAnswer> AskAsync(Uri address, AcceptorRequest request, CancellationToken ct)
    {
        using var answer = await _client.PostAsJsonAsync(new Uri(address, "/consensus"), new AcceptorBatch([request]), ConsensusJson.Default.AcceptorBatch, ct);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(ConsensusJson.Default.AcceptorAnswers, ct))!.Answers[0];
    }

    private static byte[] Content(string id, int length) => LogHost.Bytes(int.Parse(id.AsSpan("chunk-".Length)), length);
}
