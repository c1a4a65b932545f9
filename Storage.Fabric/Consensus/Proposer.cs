using System.Text.Json;

namespace Storage.Fabric.Consensus;

public enum ProposalOutcome
{
    /// <summary>A value is chosen: the one in <see cref="Proposal.Value"/>, which may be another's.</summary>
    Chosen,

    /// <summary>Too few acceptors answered, or others kept outbidding: nothing is known. The same call may be repeated.</summary>
    Undecided,
}

/// <param name="Value">The chosen value.</param>
/// <param name="Ballot">In which this proposer saw it chosen.</param>
public sealed record Proposal(ProposalOutcome Outcome, string? Value, long Ballot);

/// <summary>Single-decree Paxos (Lamport, "Paxos Made Simple", 2001), one instance per chunk.</summary>
/// <param name="time">Of timeouts and pauses.</param>
/// <param name="random">Keeps ballots of several proposers apart, and their pauses: <see cref="Random.Shared"/>, since calls run at the same time; a seeded one in a simulation.</param>
/// <param name="replyWithin">Of one message.</param>
public sealed class Proposer(TimeProvider time, Random random, TimeSpan replyWithin)
{
    /// <summary>The ballot of the one who fixed the chunk's acceptors: below it there is none, so it needs no prepare.</summary>
    public const long FirstBallot = 1;

    /// <summary>Rounds before a call gives up: with a pause between, duels of a few proposers end long before.</summary>
    private const int MostRounds = 10;

    private const int PauseMilliseconds = 10;

    /// <summary>Bits below the round's number, drawn anew for each ballot.</summary>
    private const int DrawnBits = 20;

    /// <summary>Some 2^42 rounds: no proposer comes near. A broken acceptor may claim anything; it must not make the others' ballots overflow.</summary>
    private const long Absurd = long.MaxValue >> 1;

    /// <param name="group">The chunk's acceptors: the same in every call for this chunk, whoever calls.</param>
    /// <param name="isFirst">
    /// Whether this caller alone, and for the first time, holds <see cref="FirstBallot"/>: it begins with the accept. A call that
    /// was broken off has used it up, as has a crash: used twice it is safe, but may stay undecided while an acceptor is away.
    /// </param>
    public async Task<Proposal> ProposeAsync(string chunkId, string value, IReadOnlyList<IAcceptorPeer> group, bool isFirst, CancellationToken ct)
    {
        var majority = (group.Count / 2) + 1;
        var wanted = majority;
        var highest = isFirst ? 0 : FirstBallot;
        for (var round = 1; round <= MostRounds; round++)
        {
            var ballot = isFirst && round == 1 ? FirstBallot : Above(highest);
            var proposed = value;
            if (ballot != FirstBallot)
            {
                var promises = await AskAsync(group, wanted, (peer, within) => peer.PrepareAsync(chunkId, ballot, within), reply => reply.Granted, ct);
                highest = HighestOf(ballot, promises.Select(reply => reply.Promised));
                var granted = promises.Where(reply => reply.Granted).ToList();
                if (granted.Count < majority)
                {
                    await PauseAsync(round, ct);
                    continue;
                }

                if (SafeValue(value, granted, group.Count) is not { } safe)
                {
                    wanted = group.Count;
                    await PauseAsync(round, ct);
                    continue;
                }

                proposed = safe;
            }

            var accepts = await AskAsync(group, majority, (peer, within) => peer.AcceptAsync(chunkId, ballot, proposed, within), reply => reply.Granted, ct);
            if (accepts.Count(reply => reply.Granted) >= majority)
            {
                return new(ProposalOutcome.Chosen, proposed, ballot);
            }

            highest = HighestOf(Math.Max(ballot, highest), accepts.Select(reply => reply.Promised));
            await PauseAsync(round, ct);
        }

        return new(ProposalOutcome.Undecided, null, highest);
    }

    /// <summary>
    /// What a majority may have chosen already is chosen again: that is all of Paxos' safety. One ballot has one value, but for
    /// <see cref="FirstBallot"/> used twice (Postgres was restored from a backup, say): then those count that could have a majority
    /// with all who have not answered.
    /// </summary>
    /// <returns>Null: it may be one or another; more answers are needed.</returns>
    private static string? SafeValue(string own, List<PrepareReply> granted, int acceptors)
    {
        var last = granted.Max(reply => reply.AcceptedBallot);
        var accepted = granted.Where(reply => reply.AcceptedBallot == last).Select(reply => reply.AcceptedValue).OfType<string>().CountBy(value => value).ToList();
        if (accepted.Count > 1)
        {
            accepted.RemoveAll(one => one.Value + acceptors - granted.Count <= acceptors / 2);
        }

        return accepted switch { [] => own, [var earlier] => earlier.Key, _ => null };
    }

    private static long HighestOf(long own, IEnumerable<long> promised) => promised.Where(ballot => ballot < Absurd).Append(own).Max();

    private long Above(long highest) => (((highest >> DrawnBits) + 1) << DrawnBits) | (uint)random.Next(1 << DrawnBits);

    private Task PauseAsync(int round, CancellationToken ct) => Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, PauseMilliseconds * round)), time, ct);

    /// <summary>Asks all at once; ends with as many grants as are wanted, or when there can be no majority any more. Those who are late are not waited for.</summary>
    private async Task<List<T>> AskAsync<T>(
        IReadOnlyList<IAcceptorPeer> group, int wanted, Func<IAcceptorPeer, CancellationToken, Task<T>> ask, Func<T, bool> isGranted, CancellationToken ct)
    {
        using CancellationTokenSource deadline = new(replyWithin, time);
        using var within = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        List<Task<T?>> asked = [.. group.Select(peer => AnswerAsync(peer, ask, within.Token))];
        List<T> answers = [];
        var (granted, lost) = (0, 0);
        while (asked.Count > 0 && granted < wanted && lost < (group.Count + 1) / 2)
        {
            var ended = await Task.WhenAny(asked);
            asked.Remove(ended);
            if (await ended is { } answer)
            {
                answers.Add(answer);
                _ = isGranted(answer) ? granted++ : lost++;
            }
            else
            {
                lost++;
            }
        }

        End(within);
        ct.ThrowIfCancellationRequested();
        return answers;
    }

    /// <summary>Not CancelAsync, which would end the late ones on the thread pool: a simulation has one thread.</summary>
    private static void End(CancellationTokenSource late) => late.Cancel();

    /// <summary>Null: no answer, for whatever reason. What it has done is not known.</summary>
    private static async Task<T?> AnswerAsync<T>(IAcceptorPeer peer, Func<IAcceptorPeer, CancellationToken, Task<T>> ask, CancellationToken ct)
    {
        try
        {
            return await ask(peer, ct).WaitAsync(ct);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or HttpRequestException or TimeoutException or JsonException)
        {
            return default;
        }
    }
}
