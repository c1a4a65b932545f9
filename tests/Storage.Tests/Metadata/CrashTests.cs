using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using Lifecycle.Contracts;
using Storage.Fabric;
using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>The service is killed, as a process, at each step of a commit and of a repair.</summary>
public sealed class CrashTests(Servers servers)
{
    private static readonly byte[] _bytes = [1, 2, 3];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FaultPoint.ChunkGroupFixed)]
    [InlineData(FaultPoint.ChunkChosen)]
    [InlineData(FaultPoint.ChunkRecorded)]
    public async Task Killed_within_a_commit_the_same_commit_succeeds_afterwards(FaultPoint point)
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var (chunk, video, nodes) = await CrashInCommitAsync(host, point);
        var committed = await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _bytes, nodes.Select(node => node.Url)));
        Assert.True(committed.Status == 200 && committed["success"].GetBoolean(), committed.ToString());
        Assert.Equal(3, (await host.GetAsync($"/manifest/{video}"))["chunks"][0].GetProperty("replicas").GetArrayLength());
    }

    [Fact]
    public async Task What_was_chosen_before_a_crash_is_recorded_without_anybody_asking_and_cannot_be_changed()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var (chunk, video, nodes) = await CrashInCommitAsync(host, FaultPoint.ChunkChosen);
        Assert.Equal("accept", (await host.GetAsync($"/consensus/{chunk}"))["phase"].GetString());

        byte[] others = [9];
        foreach (var node in nodes)
        {
            node.Chunks[chunk] = others;
        }

        Assert.Equal(409, (await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, others, nodes.Select(node => node.Url)))).Status);
        Assert.Equal("committed", (await host.GetAsync($"/consensus/{chunk}"))["phase"].GetString()); // the rival recorded what it met

        var (second, _, _) = await CrashInCommitAsync(host, FaultPoint.ChunkChosen, nodes, sequence: 1);
        await host.QueryAsync($"update chunk_groups set look_at = now() where chunk_id = '{second}' returning 1", row => row.GetInt32(0));
        await Poll.UntilAsync(async () => (await host.GetAsync($"/consensus/{second}"))["phase"].GetString(), phase => phase == "committed", TimeSpan.FromSeconds(30), "the record");
    }

    [Fact]
    public async Task Killed_within_a_repair_another_replica_finishes_it()
    {
        var database = await MetadataHost.CreateDatabaseAsync(servers, Ct);
        await using var host = await MetadataHost.StartAsync(database, Ct, ("Metadata:RepairSeconds", "60")); // does nothing in this test
        var nodes = await host.AddNodesAsync(4);
        var video = await host.CreateVideoAsync();
        var chunk = await host.StoreAsync(video, _bytes, nodes[..3]);
        await nodes[0].StopAsync();
        await using (var killed = await ServiceProcess.StartAsync(database, FaultPoint.ChunkCopied, MetadataHost.QuickDeath))
        {
            await killed.UntilKilledAsync();
        }

        Assert.True(nodes[3].Chunks.ContainsKey(chunk));
        Assert.Equal([1L], await host.QueryAsync("select version from chunk_placements", row => row.GetInt64(0)));
        await using var next = await MetadataHost.StartAsync(database, Ct, MetadataHost.QuickDeath);
        await Poll.UntilAsync(
            async () => (await host.QueryAsync("select nodes from chunk_placements", row => row.GetFieldValue<string[]>(0)))[0].Order(), seen => seen.SequenceEqual(["node-2", "node-3", "node-4"]),
            TimeSpan.FromMinutes(1), "the moved placement");
    }

    private static async Task<(string Chunk, string Video, TestNode[] Nodes)> CrashInCommitAsync(MetadataHost host, FaultPoint point, TestNode[]? with = null, int sequence = 0)
    {
        var nodes = with ?? await host.AddNodesAsync(3);
        var video = await host.CreateVideoAsync();
        var chunk = ChunkNames.Chunk(Guid.Parse(video), sequence);
        foreach (var node in nodes)
        {
            node.Chunks[chunk] = _bytes;
        }

        await using var killed = await ServiceProcess.StartAsync(host.Database, point);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() =>
            killed.Http.PostAsJsonAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _bytes, nodes.Select(node => node.Url), sequence), Ct));
        await killed.UntilKilledAsync();
        return (chunk, video, nodes);
    }

    /// <summary>The service as its own process, which dies by SIGKILL where it is told to.</summary>
    private sealed class ServiceProcess : IAsyncDisposable
    {
        private const int Lines = 100;

        private static readonly TimeSpan _within = TimeSpan.FromSeconds(60);

        private readonly Process _process;
        private readonly DirectoryInfo _faults;
        private readonly ConcurrentQueue<string> _told;

        private ServiceProcess(Process process, DirectoryInfo faults, ConcurrentQueue<string> told, string address) =>
            (_process, _faults, _told, Http) = (process, faults, told, new() { BaseAddress = new(address), Timeout = _within });

        public HttpClient Http { get; }

        public static async Task<ServiceProcess> StartAsync(string database, FaultPoint point, params (string Name, string Value)[] settings)
        {
            var faults = Directory.CreateTempSubdirectory("metadata-faults-");
            FaultFile.Arm(faults.FullName, point.ToString(), "kill");
            ProcessStartInfo start = new("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
            start.ArgumentList.Add(typeof(Storage.Metadata.StorageMetadata).Assembly.Location);
            (string, string)[] own = [("FaultPoints:Directory", faults.FullName), ("Logging:LogLevel:Microsoft.Hosting.Lifetime", "Information"), ("Logging:LogLevel:Storage", "Debug"), ("Logging:LogLevel:Lifecycle", "Debug")];
            foreach (var argument in MetadataHost.Arguments(database, [.. own, .. settings]))
            {
                start.ArgumentList.Add(argument);
            }

            var process = Process.Start(start)!;
            var address = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            ConcurrentQueue<string> told = new();
            process.OutputDataReceived += (_, line) =>
            {
                told.Enqueue(line.Data ?? "");
                const string Listening = "Now listening on: ";
                if (line.Data?.IndexOf(Listening, StringComparison.Ordinal) is int at and >= 0)
                {
                    address.TrySetResult(line.Data[(at + Listening.Length)..].Trim());
                }
            };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return new(process, faults, told, await address.Task.WaitAsync(_within));
        }

        public async Task UntilKilledAsync()
        {
            await Poll.UntilAsync(() => Task.FromResult(_process.HasExited ? "" : string.Join('\n', _told.TakeLast(Lines))), told => told == "", _within, "its end");
            Assert.Equal(128 + 9, _process.ExitCode);
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            if (!_process.HasExited)
            {
                _process.Kill();
                await _process.WaitForExitAsync();
            }

            _process.Dispose();
            _faults.Delete(recursive: true);
        }
    }
}
