using LocalHosting.Processes;
using LocalHosting.Tests.Model;
using Npgsql;
using Xunit;

namespace LocalHosting.Tests.Running;

/// <summary>The sample with all its servers, as a user runs and ends it.</summary>
public sealed class WholeMachineTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("KILL")]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task However_it_ends_no_process_and_no_temporary_folder_is_left(string signal)
    {
        await using var run = await SampleRun.StartAsync("--ephemeral");
        using (var http = new HttpClient { BaseAddress = new(run.Endpoints.GetProperty("gateway").GetString()!) })
            Assert.Equal("ok", await http.GetStringAsync("/health", Ct));
        var (mark, sessions) = run.Identify();
        var before = SampleRun.Processes(mark, sessions);
        foreach (var program in (string[])["postgres", "beam.smp", "epmd", "ceph-mon", "ceph-osd", "radosgw", "nginx", "SampleService", "sleep 1000", "sleep 1001"])
            Assert.Contains(before, p => p.Contains(program, StringComparison.Ordinal));

        run.Signal(Enum.Parse<UnixSignal>(signal));
        var exitCode = await run.ExitAsync();
        if (signal != "KILL")
            Assert.Equal(0, exitCode);
        await Eventually.Holds(() => SampleRun.Processes(mark, sessions), left => left.Count == 0);
        await Eventually.Holds(() => run.StateFolders, folders => folders.Length == 0);
    }

    [Fact]
    public async Task State_survives_a_kill_one_engine_holds_it_and_an_ephemeral_one_runs_beside()
    {
        using var state = new TemporaryFolder();
        string[] args = ["--state", Path.Combine(state.Path, "state")];
        await using (var first = await SampleRun.StartAsync(args))
        {
            Assert.Equal("http://127.0.0.1:18080", first.Endpoints.GetProperty("gateway").GetString());
            await ExecuteAsync(args[1], "create table kept as select 42 as answer");

            await using var second = await SampleRun.StartAsync(args);
            Assert.Equal(1, await second.ExitAsync());
            Assert.Contains($"Another instance (pid {first.Pid}) uses", second.Output, StringComparison.Ordinal);
            Assert.Contains("--ephemeral --endpoints FILE", second.Output, StringComparison.Ordinal);

            await using var beside = await SampleRun.StartAsync("--ephemeral", "--Sample:Servers=false");
            Assert.Contains("All healthy", beside.Output, StringComparison.Ordinal);
            first.Signal(UnixSignal.KILL);
            await first.ExitAsync();
        }

        // At once: it waits for the processes of the one that was killed.
        await using var again = await SampleRun.StartAsync(args);
        Assert.Equal(42, await ExecuteAsync(args[1], "select answer from kept"));
    }

    private static async Task<object?> ExecuteAsync(string state, string sql)
    {
        var ports = await ReadAsync<int>(state, "ports.json");
        var secrets = await ReadAsync<string>(state, "secrets.json");
        await using var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={ports["postgres/tcp"]};Username=postgres;Password={secrets["Parameters:postgres-password"]};Database=sampledb;Pooling=false");
        await connection.OpenAsync(Ct);
#pragma warning disable CA2100 // The test's own two statements.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(Ct);
    }

    private static async Task<Dictionary<string, T>> ReadAsync<T>(string state, string file) =>
        System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, T>>(await File.ReadAllTextAsync(Path.Combine(state, file), Ct))!;
}
