using Storage.Fabric.Consensus;
using Xunit;

namespace Storage.Tests.Consensus;

/// <summary>The rules of an acceptor one by one; that they suffice is what the simulation shows.</summary>
public sealed class AcceptorTests
{
    private readonly Log _log = new();
    private readonly Acceptor _acceptor;

    public AcceptorTests() => _acceptor = new(_log);

    [Fact]
    public async Task A_promise_is_for_a_higher_ballot_only_and_once()
    {
        Assert.Equal(new PrepareReply(true, 5, 0, null), await PrepareAsync(5));
        Assert.Equal(new PrepareReply(false, 5, 0, null), await PrepareAsync(5));
        Assert.Equal(new PrepareReply(false, 5, 0, null), await PrepareAsync(4));
        Assert.Equal(new PrepareReply(true, 6, 0, null), await PrepareAsync(6));
    }

    [Fact]
    public async Task A_promise_tells_what_was_accepted()
    {
        await AcceptAsync(3, "a");

        Assert.Equal(new PrepareReply(true, 7, 3, "a"), await PrepareAsync(7));
        Assert.Equal(new AcceptorState(7, 3, "a"), _log.State);
    }

    [Fact]
    public async Task Nothing_below_the_promise_is_accepted()
    {
        await PrepareAsync(5);

        Assert.Equal(new AcceptReply(false, 5), await AcceptAsync(4, "a"));
        Assert.Equal(new AcceptReply(true, 5), await AcceptAsync(5, "a"));
        Assert.Equal(new AcceptReply(true, 9), await AcceptAsync(9, "b")); // it never saw the prepare: a majority of others did
        Assert.Equal(new AcceptorState(9, 9, "b"), _log.State);
    }

    [Fact]
    public async Task The_same_accept_is_granted_again_without_a_write_and_another_value_never()
    {
        await AcceptAsync(5, "a");

        Assert.Equal(new AcceptReply(true, 5), await AcceptAsync(5, "a"));
        Assert.Equal(new AcceptReply(false, 5), await AcceptAsync(5, "b"));
        Assert.Equal(1, _log.Writes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public async Task Ballots_below_the_first_are_refused(long ballot)
    {
        Assert.False((await PrepareAsync(ballot)).Granted);
        Assert.False((await AcceptAsync(ballot, "a")).Granted);
        Assert.Equal(0, _log.Writes);
    }

    [Fact]
    public async Task Nothing_is_answered_before_it_is_durable()
    {
        TaskCompletionSource fsync = new();
        _log.Fsync = fsync.Task;
        var promise = PrepareAsync(5);
        var accept = AcceptAsync(9, "a");
        Assert.False(promise.IsCompleted);
        Assert.Equal(1, _log.Writes);

        fsync.SetResult();

        Assert.True((await promise).Granted);
        Assert.True((await accept).Granted);
        Assert.Equal(2, _log.Writes);
    }

    /// <summary>The next call must not read what the log may yet replace.</summary>
    [Fact]
    public async Task A_caller_that_hangs_up_does_not_let_the_next_in_before_the_write_has_ended()
    {
        TaskCompletionSource fsync = new();
        _log.Fsync = fsync.Task;
        using CancellationTokenSource hangUp = new();
        var first = _acceptor.AcceptAsync("c", 5, "a", hangUp.Token);
        await hangUp.CancelAsync();
        var second = PrepareAsync(9);
        Assert.False(second.IsCompleted);

        fsync.SetResult();

        Assert.Equal(new PrepareReply(true, 9, 5, "a"), await second);
        Assert.True((await first).Granted);
    }

    [Fact]
    public async Task A_write_that_fails_is_no_answer_and_blocks_nobody()
    {
        _log.Fsync = Task.FromException(new IOException("disk"));
        await Assert.ThrowsAsync<IOException>(() => PrepareAsync(5));
        _log.Fsync = Task.CompletedTask;

        Assert.True((await PrepareAsync(5)).Granted);
    }

    private Task<PrepareReply> PrepareAsync(long ballot) => _acceptor.PrepareAsync("c", ballot, default);

    private Task<AcceptReply> AcceptAsync(long ballot, string value) => _acceptor.AcceptAsync("c", ballot, value, default);

    private sealed class Log : IAcceptorLog
    {
        public AcceptorState State { get; private set; } = AcceptorState.None;

        public int Writes { get; private set; }

        public Task Fsync { get; set; } = Task.CompletedTask;

        public ValueTask<AcceptorState> ReadAsync(string chunkId, CancellationToken ct) => ValueTask.FromResult(State);

        public async Task WriteAsync(string chunkId, AcceptorState state, CancellationToken ct)
        {
            Writes++;
            await Fsync.WaitAsync(ct);
            State = state;
        }
    }
}
