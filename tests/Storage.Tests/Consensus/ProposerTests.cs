using System.Collections.Concurrent;
using System.Text.Json;
using Storage.Fabric.Consensus;
using Xunit;

namespace Storage.Tests.Consensus;

/// <summary>What a proposal costs, and what it makes of acceptors that are away, lie or hang.</summary>
public sealed class ProposerTests
{
    private readonly Peer[] _peers = [new("n1"), new("n2"), new("n3")];
    private readonly Proposer _proposer = new(TimeProvider.System, new Random(1), TimeSpan.FromSeconds(10));

    [Fact]
    public async Task The_first_proposer_needs_one_round()
    {
        Assert.Equal(new Proposal(ProposalOutcome.Chosen, "a", Proposer.FirstBallot), await ProposeAsync("a", isFirst: true));

        Assert.All(_peers, peer => Assert.Equal(["accept 1 a"], peer.Asked));
    }

    [Fact]
    public async Task Anybody_else_asks_for_promises_first()
    {
        var proposal = await ProposeAsync("a", isFirst: false);

        Assert.Equal((ProposalOutcome.Chosen, "a"), (proposal.Outcome, proposal.Value));
        Assert.All(_peers, peer => Assert.Equal([$"prepare {proposal.Ballot}", $"accept {proposal.Ballot} a"], peer.Asked));
    }

    [Fact]
    public async Task What_is_chosen_is_chosen_again_whoever_proposes_and_through_whichever_majority()
    {
        _peers[2].IsAway = true;
        await ProposeAsync("a", isFirst: true);
        (_peers[2].IsAway, _peers[0].IsAway) = (false, true);

        Assert.Equal("a", (await ProposeAsync("b", isFirst: false)).Value);
        (_peers[0].IsAway, _peers[1].IsAway) = (false, true);
        Assert.Equal("a", (await ProposeAsync("c", isFirst: false)).Value);
    }

    [Fact]
    public async Task The_first_proposer_that_comes_late_gives_way()
    {
        await ProposeAsync("b", isFirst: false);

        Assert.Equal("b", (await ProposeAsync("a", isFirst: true)).Value);
    }

    /// <summary>n1 and n2 have chosen b; n3's a has the same ballot.</summary>
    [Fact]
    public async Task The_first_ballot_used_twice_does_not_change_what_is_chosen()
    {
        _peers[2].IsAway = true;
        await ProposeAsync("b", isFirst: true);
        (_peers[2].IsAway, _peers[0].IsAway) = (false, true);
        await _peers[2].Acceptor.AcceptAsync("c", Proposer.FirstBallot, "a", default);

        Assert.Equal(ProposalOutcome.Undecided, (await ProposeAsync("c", isFirst: false)).Outcome); // n2 says b, n3 says a: either may be chosen
        _peers[0].IsAway = false;
        Assert.Equal("b", (await ProposeAsync("c", isFirst: true)).Value);
    }

    [Fact]
    public async Task The_first_ballot_used_by_everybody_and_chosen_by_nobody_leaves_the_choice_free()
    {
        for (var i = 0; i < _peers.Length; i++)
        {
            await _peers[i].Acceptor.AcceptAsync("c", Proposer.FirstBallot, $"{i}", default);
        }

        Assert.Equal("c", (await ProposeAsync("c", isFirst: false)).Value);
    }

    [Fact]
    public async Task Without_a_majority_nothing_is_known()
    {
        (_peers[0].IsAway, _peers[2].IsAway) = (true, true);

        var proposal = await ProposeAsync("a", isFirst: true);

        Assert.Equal((ProposalOutcome.Undecided, null), (proposal.Outcome, proposal.Value));
    }

    [Fact]
    public async Task An_acceptor_that_hangs_or_answers_nonsense_is_not_waited_for()
    {
        _peers[1].Hangs = true;
        Assert.Equal("a", (await ProposeAsync("a", isFirst: true)).Value);

        _peers[1].Hangs = false;
        _peers[1].IsBroken = true;
        Assert.Equal("a", (await ProposeAsync("b", isFirst: false)).Value);
    }

    [Fact]
    public async Task An_acceptor_that_claims_the_highest_promise_of_all_does_not_stop_the_others()
    {
        await _peers[0].Acceptor.PrepareAsync("c", long.MaxValue, default);
        Assert.Equal("a", (await ProposeAsync("a", isFirst: false)).Value);

        // A majority of such acceptors does, safely: no ballot overflows and becomes a small one.
        await _peers[1].Acceptor.PrepareAsync("c", long.MaxValue, default);
        Assert.Equal(ProposalOutcome.Undecided, (await ProposeAsync("b", isFirst: false)).Outcome);
        Assert.DoesNotContain(_peers.SelectMany(peer => peer.Asked), asked => asked.Contains('-', StringComparison.Ordinal) || asked.EndsWith('b'));
    }

    [Fact]
    public async Task Two_rivals_come_to_one_decision()
    {
        Proposer rival = new(TimeProvider.System, new Random(2), TimeSpan.FromSeconds(10));
        var proposals = await Task.WhenAll(ProposeAsync("a", isFirst: false), rival.ProposeAsync("c", "b", _peers, isFirst: false, default));

        Assert.All(proposals, proposal => Assert.Equal(ProposalOutcome.Chosen, proposal.Outcome));
        Assert.Equal(proposals[0].Value, proposals[1].Value);
    }

    [Fact]
    public async Task Cancelling_ends_the_call()
    {
        foreach (var peer in _peers)
        {
            peer.Hangs = true;
        }

        using CancellationTokenSource cancel = new();
        var proposing = _proposer.ProposeAsync("c", "a", _peers, isFirst: true, cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => proposing);
    }

    private Task<Proposal> ProposeAsync(string value, bool isFirst) => _proposer.ProposeAsync("c", value, _peers, isFirst, default);

    private sealed class Peer(string name) : IAcceptorPeer
    {
        public string Name => name;

        public Acceptor Acceptor { get; } = new(new Memory());

        public ConcurrentQueue<string> Asked { get; } = new();

        public bool IsAway { get; set; }

        public bool Hangs { get; set; }

        public bool IsBroken { get; set; }

        public async Task<PrepareReply> PrepareAsync(string chunkId, long ballot, CancellationToken ct)
        {
            await ArriveAsync($"prepare {ballot}");
            return await Acceptor.PrepareAsync(chunkId, ballot, ct);
        }

        public async Task<AcceptReply> AcceptAsync(string chunkId, long ballot, string value, CancellationToken ct)
        {
            await ArriveAsync($"accept {ballot} {value}");
            return await Acceptor.AcceptAsync(chunkId, ballot, value, ct);
        }

        private Task ArriveAsync(string what)
        {
            Asked.Enqueue(what);
            return IsAway ? Task.FromException(new HttpRequestException("away"))
                : IsBroken ? Task.FromException(new JsonException("nonsense"))
                : Hangs ? new TaskCompletionSource().Task
                : Task.CompletedTask;
        }
    }

    private sealed class Memory : IAcceptorLog
    {
        private AcceptorState _state = AcceptorState.None;

        public ValueTask<AcceptorState> ReadAsync(string chunkId, CancellationToken ct) => ValueTask.FromResult(_state);

        public Task WriteAsync(string chunkId, AcceptorState state, CancellationToken ct)
        {
            _state = state;
            return Task.CompletedTask;
        }
    }
}
