using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary><c>kill -9</c> at every place where it matters, one process after another: each goes on where the one before died, and is killed at the next place.</summary>
public sealed class Crashes(Servers servers) : IAsyncLifetime
{
    private readonly string _faults = Directory.CreateTempSubdirectory("live-crashes-").FullName;
    private readonly string _id = Requests.NewId("crash");
    private TestStore _store = null!;
    private EventTap _tap = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        await _store.WorkersAsync(slots: 2);
        _tap = await EventTap.OpenAsync(servers.RabbitMQ);
    }

    public async ValueTask DisposeAsync()
    {
        await _tap.DisposeAsync();
        await _store.DisposeAsync();
        Directory.Delete(_faults, recursive: true);
    }

    [Fact]
    public async Task A_stream_becomes_READY_though_its_service_dies_at_every_step()
    {
        var request = Requests.Stream(_id);
        await DiesAsync(FaultPoint.StreamRequestBeforeCommit, "", process => process.TryAsync(HttpMethod.Post, request));
        Assert.Equal("none", await _store.SeenAsync(_id));
        await DiesAsync(FaultPoint.StreamRequestAfterCommit, "", process => process.TryAsync(HttpMethod.Post, request));
        Assert.Equal("PROVISIONING ValidateProvisionRequest", await _store.SeenAsync(_id));
        await DiesAtStepsAsync(WorkflowState.ValidateProvisionRequest, WorkflowState.ConfigurePlaybackEndpoints);
        Assert.Equal("PROVISIONING AwaitLifecycleConfirmation", await _store.SeenAsync(_id));

        var ready = Requests.Status(_id, "READY");
        await DiesAsync(FaultPoint.StreamUpdateBeforeCommit, "", process => process.TryAsync(HttpMethod.Put, ready));
        Assert.Equal("PROVISIONING AwaitLifecycleConfirmation", await _store.SeenAsync(_id));
        await DiesAsync(FaultPoint.StreamUpdateAfterCommit, "", process => process.TryAsync(HttpMethod.Put, ready));
        Assert.Equal("READY AwaitLifecycleConfirmation", await _store.SeenAsync(_id));
        await DiesAtStepsAsync(WorkflowState.AwaitLifecycleConfirmation, WorkflowState.RecordCompletion);

        await using var last = LiveProcess.Start(_store, _faults);
        await _store.UntilAsync(_id, "READY WorkflowSucceeded");
        await last.AnswersAsync();
        await _tap.HearsAsync(_id, "StreamProvisionRequested", "READY");
        await OutboxIsEmptyAsync();
        Assert.Equal(9, (await _store.StepsAsync(_id)).Split(' ').Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(9, (await _store.StepsAsync(_id)).Split(' ').Length);
        Assert.Equal(1L, await _store.ScalarAsync<long>("select count(*) from live_sessions", Ct));
        Assert.True(await _store.ScalarAsync<bool>("select ready_at is not null and playback_at is not null and persisted_at is not null from streams where id = $1", Ct, _id));

    }

    [Fact]
    public async Task Logs_tell_neither_a_key_nor_what_viewers_must_show()
    {
        const string Secret = "a-secret-entitlement";
        await using var process = LiveProcess.Start(_store, _faults);
        await process.AnswersAsync();
        await process.TryAsync(HttpMethod.Post, Requests.Stream(_id, metadata: new Dictionary<string, string> { ["entitlement"] = Secret }));
        await process.TryAsync(HttpMethod.Put, Requests.Status(_id, "READY"));
        await _store.UntilAsync(_id, "READY WorkflowSucceeded");
        var stream = System.Text.Json.JsonElement.Parse(await process.Http.GetStringAsync($"/streams/{_id}", Ct));
        Assert.Contains(Secret, stream.GetProperty("playbackUrl").GetString(), StringComparison.Ordinal);
        await Poll.UntilAsync(() => Task.FromResult(process.Said.Contains($"{_id}: RecordCompletion -> WorkflowSucceeded", StringComparison.Ordinal)), StreamRows.Within, "the last line about it");
        Assert.DoesNotContain(stream.GetProperty("ingest").GetProperty("pushUrl").GetString()!.Split("key=")[1], process.Said, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, process.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_becomes_FAILED_though_its_service_dies_at_every_step_of_it()
    {
        await using (var first = LiveProcess.Start(_store, _faults))
        {
            await first.AnswersAsync();
            await first.TryAsync(HttpMethod.Post, Requests.Stream(_id));
            await _store.UntilAsync(_id, "PROVISIONING AwaitLifecycleConfirmation");
        }

        await DiesAsync(FaultPoint.StreamUpdateAfterCommit, "", process => process.TryAsync(HttpMethod.Put, Requests.Status(_id, "FAILED", "no signal")));
        Assert.Equal("FAILED AwaitLifecycleConfirmation", await _store.SeenAsync(_id));
        await DiesAtStepsAsync(WorkflowState.AwaitLifecycleConfirmation, WorkflowState.AwaitLifecycleConfirmation);
        await DiesAtStepsAsync(WorkflowState.HandleProvisionFailure, WorkflowState.HandleProvisionFailure);
        await using var last = LiveProcess.Start(_store, _faults);
        await _store.UntilAsync(_id, "FAILED WorkflowFailed");
        Assert.Equal("no signal", (await _tap.HearsAsync(_id, "StreamProvisionRequested", "FAILED"))[^1].Body.GetProperty("detail").GetProperty("reason").GetString());
        await OutboxIsEmptyAsync();
        Assert.EndsWith("AwaitLifecycleConfirmation:Failed HandleProvisionFailure:Success WorkflowFailed", await _store.StepsAsync(_id), StringComparison.Ordinal);
        Assert.Equal("closed", await _store.ScalarAsync<string>("select state from live_sessions", Ct));
    }

    [Fact]
    public async Task An_event_that_was_published_by_a_relay_that_died_comes_again_as_the_same_event()
    {
        await DiesAsync(FaultPoint.OutboxAfterPublish, "", process => process.TryAsync(HttpMethod.Post, Requests.Stream(_id)));
        await using var next = LiveProcess.Start(_store, _faults);
        await Poll.UntilAsync(() => Task.FromResult(_tap.Of(_id).Count), count => count == 2, StreamRows.Within, "the event a second time");
        await _tap.HearsAsync(_id, "StreamProvisionRequested");
        await OutboxIsEmptyAsync();
    }

    /// <summary>Before and behind the commit of each of these states' steps.</summary>
    private async Task DiesAtStepsAsync(WorkflowState first, WorkflowState last)
    {
        for (var state = first; state <= last; state++)
        {
            await DiesAsync(FaultPoint.StreamStepBeforeCommit, $".{state}");
            Assert.EndsWith($" {state}", await _store.SeenAsync(_id), StringComparison.Ordinal);
            await DiesAsync(FaultPoint.StreamStepAfterCommit, $".{state}");
            Assert.False((await _store.SeenAsync(_id)).EndsWith($" {state}", StringComparison.Ordinal));
        }
    }

    /// <param name="act">What brings a process there; without it, going on does.</param>
    private async Task DiesAsync(FaultPoint point, string of, Func<LiveProcess, Task>? act = null)
    {
        FaultFile.Arm(_faults, $"{point}{of}", "kill");
        await using var process = LiveProcess.Start(_store, _faults);
        if (act is not null)
        {
            await process.AnswersAsync();
            await act(process);
        }

        await process.IsKilledAsync();
    }

    private Task OutboxIsEmptyAsync() => Poll.UntilAsync(async () => await _store.ScalarAsync<long>("select count(*) from outbox", Ct) == 0, StreamRows.Within, "the outbox to be empty");
}
