using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Tests.Model;
using Xunit;

namespace LocalHosting.Tests.Running;

/// <summary>Order, health, restarts and commands, on small shell scripts.</summary>
public sealed class EngineTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_waits_for_completion_starts_after_the_end_and_what_must_succeed_blocks_when_it_fails()
    {
        using var folder = new TemporaryFolder();
        var builder = Create();
        var good = builder.AddExecutable("good", "bash", folder.Path, "-c", "test ! -e after && touch good");
        var bad = builder.AddExecutable("bad", "bash", folder.Path, "-c", "exit 3");
        builder.AddExecutable("after", "bash", folder.Path, "-c", "test -e good && touch after; exec sleep 1000").WaitForCompletion(good);
        builder.AddExecutable("never", "bash", folder.Path, "-c", "touch never").WaitForCompletion(bad);
        builder.AddExecutable("expected", "bash", folder.Path, "-c", "exec sleep 1000").WaitForCompletion(bad, exitCode: 3);
        await using var app = builder.Build();
        await app.StartAsync(Ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("after", Ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("expected", Ct);
        await app.ResourceNotifications.WaitForResourceAsync("never", KnownResourceStates.FailedToStart, Ct);
        await Eventually.Holds(() => File.Exists(Path.Combine(folder.Path, "after")), there => there);
        Assert.False(File.Exists(Path.Combine(folder.Path, "never")));
    }

    [Fact]
    public async Task Resources_stop_in_the_reverse_order_of_their_waits()
    {
        using var folder = new TemporaryFolder();
        var builder = Create();
        const string Script = "trap 'echo $0 >> stopped; exit 0' TERM; while :; do sleep 0.05; done";
        var first = builder.AddExecutable("first", "bash", folder.Path, "-c", Script, "first");
        var second = builder.AddExecutable("second", "bash", folder.Path, "-c", Script, "second").WaitFor(first);
        builder.AddExecutable("third", "bash", folder.Path, "-c", Script, "third").WaitForStart(second);
        await using (var app = builder.Build())
        {
            await app.StartAsync(Ct);
            await app.ResourceNotifications.WaitForResourceHealthyAsync("third", Ct);
            // The trap is set by the shell's first command: only a shell that has started its first sleep has it.
            await Eventually.Holds(() => Pids(app, "first", "second", "third"), pids => pids.TrueForAll(p => HasChild(p)));
            await app.StopAsync(Ct);
        }

        Assert.Equal(["third", "second", "first"], await File.ReadAllLinesAsync(Path.Combine(folder.Path, "stopped"), Ct));
    }

    [Fact]
    public async Task What_dies_is_started_again_after_a_second()
    {
        var builder = Create();
        builder.AddExecutable("mortal", "sleep", ".", "1000");
        await using var app = builder.Build();
        await app.StartAsync(Ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("mortal", Ct);
        var pid = Pids(app, "mortal")[0];
        var since = TimeProvider.System.GetTimestamp();
        LocalHosting.Processes.Native.Signal(pid, LocalHosting.Processes.UnixSignal.KILL);
        await Eventually.Holds(() => Pids(app, "mortal"), pids => pids.Count == 1 && pids[0] != pid);
        Assert.InRange(TimeProvider.System.GetElapsedTime(since).TotalSeconds, 0.9, 10);
    }

    [Fact]
    public async Task Commands_stop_start_and_restart_a_resource()
    {
        var builder = Create();
        builder.AddExecutable("one", "sleep", ".", "1000");
        builder.AddExecutable("later", "sleep", ".", "1000").WithExplicitStart();
        await using var app = builder.Build();
        await app.StartAsync(Ct);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("one", Ct);
        Assert.Empty(Pids(app, "later"));
        var pid = Pids(app, "one")[0];
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("one", KnownResourceCommands.RestartCommand, Ct)).Success);
        Assert.NotEqual(pid, Pids(app, "one")[0]);
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("one", KnownResourceCommands.StopCommand, Ct)).Success);
        Assert.Empty(Pids(app, "one"));
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("one", KnownResourceCommands.StartCommand, Ct)).Success);
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("later", KnownResourceCommands.StartCommand, Ct)).Success);
        Assert.Single(Pids(app, "later"));
        Assert.False((await app.ResourceCommands.ExecuteCommandAsync("nobody", KnownResourceCommands.StartCommand, Ct)).Success);
        Assert.False((await app.ResourceCommands.ExecuteCommandAsync("one", "dance", Ct)).Success);
    }

    [Fact]
    public async Task A_process_that_ignores_the_wish_to_stop_is_killed_with_its_children()
    {
        var builder = Create();
        builder.AddExecutable("stubborn", "bash", ".", "-c", "trap '' TERM; sleep 1000 & while :; do wait; done");
        int pid;
        await using (var app = builder.Build())
        {
            await app.StartAsync(Ct);
            await app.ResourceNotifications.WaitForResourceHealthyAsync("stubborn", Ct);
            pid = Pids(app, "stubborn")[0];
            await Eventually.Holds(() => HasChild(pid), there => there);
        }

        Assert.Empty(LocalHosting.Processes.ProcFs.Session(pid));
    }

    internal static List<int> Pids(DistributedApplication app, params string[] resourceIds) =>
    [
        .. resourceIds.SelectMany(id => app.ResourceNotifications.TryGetCurrentState(id, out var e)
            ? e.Snapshot.Properties.Where(p => p.Name == "executable.pid").Select(p => Convert.ToInt32(p.Value, CultureInfo.InvariantCulture))
            : []),
    ];

    private static bool HasChild(int pid) => LocalHosting.Processes.ProcFs.Session(pid).Count > 1;

    private static IDistributedApplicationBuilder Create() => Models.Create("--ephemeral", "--LocalHosting:ConsoleLogs=false");
}
