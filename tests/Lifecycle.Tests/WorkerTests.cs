using Lifecycle.Store.Messaging;
using Lifecycle.Store.Workers;
using Npgsql;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Who is in the pool, and the broker session that all of it hears by.</summary>
public sealed class WorkerTests(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task An_id_is_free_again_at_once_when_its_worker_gives_it_up()
    {
        var source = _store.Database.Source;
        await using WorkerIdentity other = new(source);
        await using (WorkerIdentity first = new(source))
        {
            Assert.Equal("worker-0", await first.GetAsync(Ct));
            Assert.Equal("worker-1", await other.GetAsync(Ct));
            Assert.Equal("worker-0", await first.GetAsync(Ct));
        }

        // From another pool: the same session would be given its own lock again.
        await using var elsewhere = NpgsqlDataSource.Create(_store.ConnectionStrings["ConnectionStrings:videodb"]!);
        await using WorkerIdentity next = new(elsewhere);
        Assert.Equal("worker-0", await next.GetAsync(Ct));
    }

    [Fact]
    public async Task A_worker_whose_connection_broke_gets_its_id_back()
    {
        await using WorkerIdentity worker = new(_store.Database.Source);
        Assert.Equal("worker-0", await worker.GetAsync(Ct));
        await _store.QueryAsync("select pg_terminate_backend(pid, 10000) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())", _ => 0, Ct);
        Assert.Equal("worker-0", await worker.GetAsync(Ct));
    }

    [Fact]
    public async Task An_id_that_could_not_be_taken_is_not_had()
    {
        NpgsqlConnectionStringBuilder one = new(_store.ConnectionStrings["ConnectionStrings:videodb"]) { MaxPoolSize = 1, Timeout = 1 };
        await using var source = NpgsqlDataSource.Create(one.ConnectionString);
        await using WorkerIdentity worker = new(source);
        await using (var busy = await source.OpenConnectionAsync(Ct))
        {
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => worker.GetAsync(Ct));
        }

        Assert.Equal("worker-0", await worker.GetAsync(Ct));
    }

    [Fact]
    public async Task A_worker_leaves_the_list_by_its_word_or_after_ten_minutes()
    {
        var registry = _store.Get<WorkerRegistry>();
        var (left, lost) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await registry.BeatAsync("worker-0", left, 1, 0, ["libx264"], Ct);
        await registry.BeatAsync("worker-1", lost, 1, 1, [], Ct);
        await registry.LeaveAsync("worker-0", lost, Ct); // not its row
        Assert.Equal([new("worker-0", "IDLE"), new("worker-1", "BUSY")], await registry.ListAsync(Ct));

        await registry.LeaveAsync("worker-0", left, Ct);
        await registry.ForgetAsync(Ct);
        Assert.Equal([new("worker-1", "BUSY")], await registry.ListAsync(Ct));
        await _store.QueryAsync("update workers set last_seen = now() - interval '11 minutes'", _ => 0, Ct);
        await registry.ForgetAsync(Ct);
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from workers", Ct));
    }

    [Fact]
    public async Task A_session_that_fails_unexpectedly_is_begun_again()
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var sessions = 0;
        await _store.Get<Broker>().RunAsync("test", async (_, _) =>
        {
            if (++sessions == 2)
            {
                await end.CancelAsync();
                end.Token.ThrowIfCancellationRequested();
            }

            throw new InvalidOperationException("no outage");
        }, end.Token).WaitAsync(TimeSpan.FromSeconds(30), Ct);
        Assert.Equal(2, sessions);
    }
}
