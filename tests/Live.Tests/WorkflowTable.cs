using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;
using Lifecycle.Store.Live;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>The tables of live streams against the database: every pair.</summary>
public sealed class WorkflowTable(LiveFixture live) : IClassFixture<LiveFixture>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private TestStore Store => live.Store;

    /// <summary>Seed 001's table, written down once more by hand.</summary>
    public static TheoryData<WorkflowState, StepOutcome, WorkflowState?> Pairs
    {
        get
        {
            Dictionary<(WorkflowState, StepOutcome), WorkflowState> allowed = new()
            {
                [(WorkflowState.ValidateProvisionRequest, StepOutcome.Success)] = WorkflowState.PersistProvisionRequest,
                [(WorkflowState.PersistProvisionRequest, StepOutcome.Success)] = WorkflowState.EmitProvisionRequestedEvent,
                [(WorkflowState.EmitProvisionRequestedEvent, StepOutcome.Success)] = WorkflowState.ProvisionEncoderInfrastructure,
                [(WorkflowState.ProvisionEncoderInfrastructure, StepOutcome.Success)] = WorkflowState.ConfigurePlaybackEndpoints,
                [(WorkflowState.ConfigurePlaybackEndpoints, StepOutcome.Success)] = WorkflowState.AwaitLifecycleConfirmation,
                [(WorkflowState.AwaitLifecycleConfirmation, StepOutcome.Ready)] = WorkflowState.PublishReadyNotification,
                [(WorkflowState.AwaitLifecycleConfirmation, StepOutcome.Failed)] = WorkflowState.HandleProvisionFailure,
                [(WorkflowState.AwaitLifecycleConfirmation, StepOutcome.Timeout)] = WorkflowState.HandleProvisionFailure,
                [(WorkflowState.PublishReadyNotification, StepOutcome.Success)] = WorkflowState.RecordCompletion,
                [(WorkflowState.RecordCompletion, StepOutcome.Success)] = WorkflowState.WorkflowSucceeded,
                [(WorkflowState.HandleProvisionFailure, StepOutcome.Success)] = WorkflowState.WorkflowFailed,
                [(WorkflowState.HandleProvisionFailure, StepOutcome.Failure)] = WorkflowState.WorkflowFailed,
            };
            foreach (var state in Enum.GetValues<WorkflowState>().Where(state => state < WorkflowState.HandleProvisionFailure && state != WorkflowState.AwaitLifecycleConfirmation))
            {
                allowed[(state, StepOutcome.Failure)] = WorkflowState.HandleProvisionFailure;
            }

            TheoryData<WorkflowState, StepOutcome, WorkflowState?> pairs = [];
            foreach (var state in Enum.GetValues<WorkflowState>())
            {
                foreach (var outcome in Enum.GetValues<StepOutcome>())
                {
                    pairs.Add(state, outcome, allowed.TryGetValue((state, outcome), out var next) ? next : null);
                }
            }

            return pairs;
        }
    }

    public static TheoryData<WorkflowState, StepOutcome, WorkflowState> Allowed =>
        [.. ProvisionWorkflow.Table.Transitions.Where(move => move.From is not null).Select(move => (move.From!.Value, move.Trigger, move.To))];

    [Fact]
    public void There_are_eleven_states_and_six_outcomes() => Assert.Equal(66, Pairs.Count);

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Every_pair_of_state_and_outcome_does_what_the_table_says(WorkflowState state, StepOutcome outcome, WorkflowState? next)
    {
        Assert.Equal(next, ProvisionWorkflow.Table.Next(state, outcome));
        var id = await InsertAsync(StreamStatus.Provisioning, state, due: false);
        await using (var transaction = await Store.Database.BeginAsync(Ct))
        {
            var locked = await StreamMoves.LockAsync(transaction, id, Ct);
            DueStream stream = new(locked!, "t", default, [], new Dictionary<string, string>(), 3, null, null, null, default, default, default);
            if (next is null)
            {
                await Assert.ThrowsAsync<InvalidOperationException>(() => WorkflowStore.MoveAsync(transaction, stream, outcome, "why", Ct));
            }
            else
            {
                Assert.Equal(next, await WorkflowStore.MoveAsync(transaction, stream, outcome, "why", Ct));
                Assert.Equal(ProvisionWorkflow.IsOver(next.Value), await transaction.Connection.ScalarAsync<bool>("select workflow_due is null from streams where id = $1", [id], Ct));
                await transaction.Connection.ExecuteAsync("update streams set workflow_due = null where id = $1", [id], Ct); // it is not for the host's poll
            }

            await transaction.CommitAsync(Ct);
        }

        var steps = await Store.QueryAsync(
            "select state || ' ' || (left_at is null) || ' ' || attempts || ' ' || coalesce(outcome, '-') || ' ' || coalesce(reason, '-') from stream_steps where stream_id = $1 order by sequence",
            row => row.GetString(0), Ct, id);
        Assert.Equal(next is null ? [$"{state} true 1 - -"] : [$"{state} false 3 {outcome} why", $"{next} true 1 - -"], steps);
        Assert.Equal((next ?? state).ToString(), await Store.ScalarAsync<string>("select workflow_state from streams where id = $1", Ct, id));
    }

    /// <summary>The machine itself takes each move that is allowed, and goes on to an end from there.</summary>
    [Theory]
    [MemberData(nameof(Allowed))]
    public async Task The_orchestrator_takes_every_allowed_move(WorkflowState state, StepOutcome outcome, WorkflowState next)
    {
        var gone = outcome == StepOutcome.Failure && state != WorkflowState.HandleProvisionFailure;
        if (outcome == StepOutcome.Failure && state == WorkflowState.HandleProvisionFailure)
        {
            live.Arm($"{FaultPoint.StreamStepBeforeCommit}.{state}", "fail"); // its fifth attempt breaks
        }

        var id = await InsertAsync(
            gone ? StreamStatus.Failed : StreamStatus.Provisioning, state, due: true, outcome switch { StepOutcome.Ready => "ready", StepOutcome.Failed => "failed", _ => null },
            secondsAgo: outcome == StepOutcome.Timeout ? 901 : 0, attempt: state == WorkflowState.HandleProvisionFailure ? 5 : 1);
        var failed = outcome is StepOutcome.Failure or StepOutcome.Failed or StepOutcome.Timeout || state == WorkflowState.HandleProvisionFailure;
        if (!failed && state < WorkflowState.AwaitLifecycleConfirmation)
        {
            await Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
            await Store.ConfirmAsync(id, "ready");
        }

        await Poll.UntilAsync(
            () => Store.SeenAsync(id), seen => seen.EndsWith(failed ? " WorkflowFailed" : " WorkflowSucceeded", StringComparison.Ordinal), StreamRows.Within, $"{state} {outcome}");
        Assert.StartsWith($"{state}:{outcome} {next}", await Store.StepsAsync(id), StringComparison.Ordinal);
        Assert.Equal(failed ? "FAILED" : state > WorkflowState.PublishReadyNotification ? "PROVISIONING" : "READY", (await Store.SeenAsync(id)).Split(' ')[0]);
    }

    [Fact]
    public async Task Every_pair_of_status_and_trigger_does_what_the_table_says()
    {
        foreach (var status in Enum.GetValues<StreamStatus>())
        {
            foreach (var trigger in Enum.GetValues<StreamTrigger>())
            {
                var id = await InsertAsync(status, WorkflowState.WorkflowSucceeded, due: false);
                await using (var transaction = await Store.Database.BeginAsync(Ct))
                {
                    var stream = await StreamMoves.LockAsync(transaction, id, Ct);
                    var outcome = await live.Host.Get<StreamMoves>().MoveAsync(transaction, stream!, trigger, "why", tells: true, Ct);
                    Assert.Equal(StreamLifecycle.Table.Next(status, trigger) is not null, outcome == MoveOutcome.Moved);
                    var told = await transaction.Connection.ScalarAsync<long>("select count(*) from outbox where convert_from(body, 'UTF8') like '%' || $1 || '%'", [id], Ct);
                    Assert.Equal(outcome == MoveOutcome.Moved ? 1L : 0L, told);
                    await transaction.CommitAsync(Ct);
                }

                var expected = StreamLifecycle.Table.Next(status, trigger) ?? status;
                Assert.Equal(StreamLifecycle.Table.NameOf(expected), (await Store.SeenAsync(id)).Split(' ')[0]);
                Assert.Equal(
                    (expected != status && StreamLifecycle.IsOver(expected), expected != status && expected == StreamStatus.Live),
                    (await Store.QueryAsync("select ended_at is not null, live_at is not null from streams where id = $1", row => (row.GetBoolean(0), row.GetBoolean(1)), Ct, id)).Single());
            }
        }
    }

    [Theory]
    [InlineData("streams", "status", typeof(StreamStatus))]
    [InlineData("live_sessions", "state", typeof(LiveSessionState))]
    public async Task The_schema_allows_exactly_the_states_of_the_table(string table, string column, Type states)
    {
        var check = await Store.ScalarAsync<string>("select pg_get_constraintdef(oid) from pg_constraint where conrelid = $1::text::regclass and conname = $1::text || '_' || $2::text || '_check'", Ct, table, column);
        var named = System.Text.RegularExpressions.Regex.Matches(check, "'([A-Za-z]+)'", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)).Select(match => match.Groups[1].Value.ToUpperInvariant());
        Assert.Equal(Enum.GetNames(states).Select(name => name.ToUpperInvariant()).Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_state_that_is_not_final_is_left_by_somebody_and_every_state_is_reached()
    {
        Check(StreamLifecycle.Table, [StreamStatus.Complete, StreamStatus.Failed]);
        Check(LiveSessionLifecycle.Table, [LiveSessionState.Closed]);
        Check(ProvisionWorkflow.Table, [WorkflowState.WorkflowSucceeded, WorkflowState.WorkflowFailed]);

        static void Check<TState, TTrigger>(StateTable<TState, TTrigger> table, TState[] final)
            where TState : struct, Enum
            where TTrigger : struct, Enum
        {
            foreach (var state in Enum.GetValues<TState>())
            {
                Assert.Equal(final.Contains(state), table.AllowedIn(state).Count == 0);
                Assert.Contains(table.Transitions, transition => transition.To.Equals(state));
            }
        }
    }

    private async Task<string> InsertAsync(StreamStatus status, WorkflowState state, bool due, string? confirmation = null, int secondsAgo = 0, int attempt = 1)
    {
        var id = Requests.NewId();
        await Store.ExecuteAsync(
            """
            with stream as (
                insert into streams (id, title, start_time, ingest_endpoints, request_sha256, status, workflow_state, workflow_due, workflow_entered_at, workflow_attempt, confirmation, video_id)
                values ($1, 't', now(), '[]', '', $2, $3, case when $4 then now() end, now() - make_interval(secs => $5), $6, nullif($7, ''), gen_random_uuid()) returning id, workflow_state)
            insert into stream_steps (stream_id, sequence, state, entered_at) select id, 1, workflow_state, now() from stream returning 1
            """, id, StreamLifecycle.Table.NameOf(status), state.ToString(), due, (double)secondsAgo, attempt, confirmation ?? "");
        return id;
    }
}
