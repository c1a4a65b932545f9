using Lifecycle.Contracts.Live;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>PUT /streams from every status to every status.</summary>
public sealed class Updates(LiveFixture live) : IClassFixture<LiveFixture>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly string[] _statuses = ["PROVISIONING", "READY", "LIVE", "COMPLETE", "FAILED"];

    private static readonly string[] _allowed = ["PROVISIONING READY", "READY LIVE", "LIVE COMPLETE", "PROVISIONING FAILED", "READY FAILED", "LIVE FAILED"];

    [Fact]
    public async Task Every_pair_of_statuses_is_answered_by_the_table()
    {
        await using var tap = await EventTap.OpenAsync(live.Servers.RabbitMQ);
        foreach (var from in _statuses)
        {
            foreach (var to in _statuses)
            {
                var id = Requests.NewId();
                await InsertAsync(id, from);
                var answer = await live.Host.PutAsync(Requests.Status(id, to, "because"));
                var moves = _allowed.Contains($"{from} {to}");
                Assert.True(answer.Status == (moves || from == to ? 200 : 400), $"{from} -> {to}: {answer}");
                Assert.Equal(moves ? to : from, (await live.Store.SeenAsync(id)).Split(' ')[0]);
                if (moves)
                {
                    Assert.Equal("because", (await tap.HearsAsync(id, to))[0].Body.GetProperty("detail").GetProperty("reason").GetString());
                }
                else
                {
                    Assert.Empty(await live.Store.OutboxAsync(id));
                }
            }
        }
    }

    [Fact]
    public async Task LIVE_that_overtakes_the_workflow_is_heard_behind_READY()
    {
        var id = Requests.NewId();
        await live.Store.ExecuteAsync(
            """
            with stream as (insert into streams (id, title, start_time, ingest_endpoints, request_sha256, status, workflow_state, workflow_due, confirmation, video_id)
                values ($1, 't', now(), '[]', '', 'READY', 'PublishReadyNotification', now() + interval '1 hour', 'ready', gen_random_uuid()) returning id)
            insert into stream_steps (stream_id, sequence, state, entered_at) select id, 1, 'PublishReadyNotification', now() from stream returning 1
            """, id);
        await using var tap = await EventTap.OpenAsync(live.Servers.RabbitMQ);
        Assert.Equal(200, (await live.Host.PutAsync(Requests.Status(id, "LIVE"))).Status);
        Assert.Equal(["READY", "LIVE"], (await tap.HearsAsync(id, "READY", "LIVE")).Select(heard => heard.Name));

        // The workflow, when it comes to it, finds READY told.
        await live.Store.ExecuteAsync("update streams set workflow_due = now() where id = $1 returning 1", id);
        await live.Store.UntilAsync(id, "LIVE WorkflowSucceeded");
        Assert.Equal(200, (await live.Host.PutAsync(Requests.Status(id, "COMPLETE"))).Status);
        await tap.HearsAsync(id, "READY", "LIVE", "COMPLETE");
        Assert.Equal(3, tap.Of(id).Count);
    }

    [Fact]
    public async Task READY_comes_no_more_once_a_failure_is_confirmed()
    {
        var id = Requests.NewId();
        await InsertAsync(id, "PROVISIONING", "HandleProvisionFailure");
        Assert.Equal(400, (await live.Host.PutAsync(Requests.Status(id, "READY"))).Status);
    }

    [Theory]
    [InlineData("reserved", false, "closed")]
    [InlineData("encoding", false, "closed")]
    [InlineData("encoding", true, "recording")]
    [InlineData("recording", true, "recording")]
    public async Task The_end_of_a_stream_ends_its_session_and_the_encoder_s_lease_but_a_complete_one_s_encoder_comes_to_its_end(string state, bool recorded, string expected)
    {
        foreach (var end in (string[])["COMPLETE", "FAILED"])
        {
            var id = Requests.NewId();
            await InsertAsync(id, "LIVE");
            await live.Store.ExecuteAsync("insert into live_sessions (stream_id, state, slots, lease_token, lease_until) values ($1, $2, 1, 7, now() + interval '5 seconds') returning 1", id, state);
            if (recorded)
            {
                await live.Store.ExecuteAsync("insert into live_recordings (stream_id, sequence, generation, object_key, bytes) values ($1, 0, 1, 'k', 1) returning 1", id);
            }

            Assert.Equal(200, (await live.Host.PutAsync(Requests.Status(id, end))).Status);
            Assert.Equal(
                end == "COMPLETE" && state == "encoding" ? (state, false) : (expected, state != "recording"),
                (await live.Store.QueryAsync("select state, lease_token is null from live_sessions where stream_id = $1", row => (row.GetString(0), row.GetBoolean(1)), Ct, id)).Single());
        }
    }

    private Task InsertAsync(string id, string status, string workflow = nameof(WorkflowState.WorkflowSucceeded)) => live.Store.ExecuteAsync(
        """
        with stream as (insert into streams (id, title, start_time, ingest_endpoints, request_sha256, status, workflow_state, video_id)
            values ($1, 't', now(), '[]', '', $2, $3, gen_random_uuid()) returning id, workflow_state)
        insert into stream_steps (stream_id, sequence, state, entered_at) select id, 1, workflow_state, now() from stream returning 1
        """, id, status, workflow);
}
