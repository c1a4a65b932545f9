using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Database;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Every state x trigger pair, against the table and the database.</summary>
public sealed class StateTables(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Every_pair_of_video_state_and_trigger_does_what_the_table_says()
    {
        var ct = TestContext.Current.CancellationToken;
        foreach (var state in Enum.GetValues<VideoState>())
        {
            foreach (var trigger in Enum.GetValues<VideoTrigger>())
            {
                var id = await InsertAsync(state, ct);
                await using (var transaction = await _store.Database.BeginAsync(ct))
                {
                    var video = await transaction.LockVideoAsync(id, ct);
                    var outcome = await transaction.MoveAsync(video!, trigger, null, ct);
                    await transaction.CommitAsync(ct);
                    Assert.Equal(VideoLifecycle.Table.Next(state, trigger) is not null, outcome == MoveOutcome.Moved);
                }

                var expected = VideoLifecycle.Table.Next(state, trigger) ?? state;
                Assert.Equal(VideoLifecycle.Table.NameOf(expected), await ScalarAsync<string>("select state from videos where id = $1", id, ct));
                var moved = expected != state;
                Assert.Equal(moved ? 1L : 0L, await ScalarAsync<long>("select count(*) from video_history where video_id = $1", id, ct));
                var published = moved && (VideoLifecycle.IsVisible(expected) || expected == VideoState.Deleted);
                Assert.Equal(published ? 1L : 0L, await ScalarAsync<long>("select count(*) from outbox where convert_from(body, 'UTF8') like '%' || $1::text || '%'", id, ct));
            }
        }
    }

    [Fact]
    public async Task History_replays_to_the_current_state()
    {
        var ct = TestContext.Current.CancellationToken;
        var uploads = _store.Get<UploadStore>();
        var id = Guid.CreateVersion7();
        var token = await uploads.BeginAsync(id, null, "a.mp4", ct);
        await uploads.BytesSentAsync(id, token, 10, new byte[32], ct);
        await uploads.VerifiedAsync(id, ct);
        await _store.Get<VideoStore>().DeleteAsync(id, ct);

        await using var connection = await _store.Database.Source.OpenConnectionAsync(ct);
        await using var command = connection.CreateCommand();
        command.CommandText = "select trigger, state, sequence from video_history where video_id = $1 order by sequence";
        command.Parameters.Add(new() { Value = id });
        await using var reader = await command.ExecuteReaderAsync(ct);
        VideoState? state = null;
        long sequence = 0;
        while (await reader.ReadAsync(ct))
        {
            var trigger = Enum.Parse<VideoTrigger>(reader.GetString(0));
            state = state is { } from ? VideoLifecycle.Table.Next(from, trigger) : VideoLifecycle.Table.Initial(trigger);
            Assert.Equal(VideoLifecycle.Table.NameOf(state!.Value), reader.GetString(1));
            Assert.Equal(++sequence, reader.GetInt64(2));
        }

        Assert.Equal(VideoState.Deleted, state);
    }

    [Theory]
    [InlineData("videos", typeof(VideoState))]
    [InlineData("jobs", typeof(JobState))]
    [InlineData("tasks", typeof(TaskState))]
    [InlineData("webhook_deliveries", typeof(DeliveryState))]
    public async Task The_schema_allows_exactly_the_states_of_the_table(string table, Type states)
    {
        var ct = TestContext.Current.CancellationToken;
        var check = await ScalarAsync<string>("select pg_get_constraintdef(oid) from pg_constraint where conrelid = $1::text::regclass and conname = $1::text || '_state_check'", table, ct);
        var named = System.Text.RegularExpressions.Regex.Matches(check!, "'([A-Za-z]+)'", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)).Select(match => match.Groups[1].Value.ToUpperInvariant()).Order(StringComparer.Ordinal);
        Assert.Equal(Enum.GetNames(states).Select(name => name.ToUpperInvariant()).Order(StringComparer.Ordinal), named);
    }

    [Fact]
    public void Every_state_that_is_not_final_is_left_by_somebody_and_rescued()
    {
        Check(VideoLifecycle.Table, [VideoState.Deleted, VideoState.Aborting]); // an aborted upload leaves the table: its row is deleted
        Check(JobLifecycle.Table, [JobState.Completed, JobState.Cancelled]);
        Check(TaskLifecycle.Table, [TaskState.Done]);
        Check(DeliveryLifecycle.Table, [DeliveryState.Superseded]);

        static void Check<TState, TTrigger>(StateTable<TState, TTrigger> table, TState[] final)
            where TState : struct, Enum
            where TTrigger : struct, Enum
        {
            foreach (var state in Enum.GetValues<TState>())
            {
                Assert.Equal(final.Contains(state), table.AllowedIn(state).Count == 0);
                Assert.Contains(table.Transitions, transition => transition.To.Equals(state)); // reachable
            }
        }
    }

    private async Task<Guid> InsertAsync(VideoState state, CancellationToken ct)
    {
        var id = Guid.CreateVersion7();
        await using var connection = await _store.Database.Source.OpenConnectionAsync(ct);
        await using var command = connection.CreateCommand();
        command.CommandText = "insert into videos (id, state) values ($1, $2)";
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = VideoLifecycle.Table.NameOf(state) });
        await command.ExecuteNonQueryAsync(ct);
        return id;
    }

    private async Task<T?> ScalarAsync<T>(string sql, object parameter, CancellationToken ct)
    {
        await using var command = _store.Database.Source.CreateCommand(sql);
        command.Parameters.Add(new() { Value = parameter });
        return (T?)await command.ExecuteScalarAsync(ct);
    }
}
