using System.Collections.Concurrent;

namespace Storage.Fabric.Chunks;

/// <param name="Needed">Good answers after which a call ends.</param>
/// <param name="HedgeAfter">An attempt that lasts longer gets another candidate beside it; it may still win.</param>
/// <param name="Enough">Good answers that do once <paramref name="Patience"/> is over.</param>
internal sealed record HedgePlan(int Needed, TimeSpan HedgeAfter, int Enough, TimeSpan Patience)
{
    public static HedgePlan For(int needed, TimeSpan hedgeAfter) => new(needed, hedgeAfter, needed, Timeout.InfiniteTimeSpan);
}

/// <summary>Asks as many candidates as answers are needed; one that fails or is slow is replaced by the next. What is late when it ends is cancelled.</summary>
internal static class Hedge
{
    /// <param name="candidates">The preferred first; several calls may share it, and none gets what another has taken.</param>
    /// <param name="attempt">Null: it failed. Bounded in time by itself; throws nothing when cancelled.</param>
    /// <returns>Fewer than needed when the candidates are used up; rarely one more, which came at the same moment.</returns>
    public static async Task<List<TAnswer>> RunAsync<TCandidate, TAnswer>(
        ConcurrentQueue<TCandidate> candidates, HedgePlan plan, Func<TCandidate, CancellationToken, Task<TAnswer?>> attempt, TimeProvider time, CancellationToken ct)
        where TAnswer : class
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var patience = Task.Delay(plan.Patience, time, late.Token);
        List<Attempt<TAnswer>> running = [];
        List<TAnswer> answers = [];
        try
        {
            while (answers.Count < plan.Needed && !(patience.IsCompleted && answers.Count >= plan.Enough))
            {
                while (running.Count(one => !one.Slow.IsCompleted) < plan.Needed - answers.Count && candidates.TryDequeue(out var candidate))
                {
                    running.Add(new(attempt(candidate, late.Token), Task.Delay(plan.HedgeAfter, time, late.Token)));
                }

                if (running.Count == 0)
                {
                    break;
                }

                await Task.WhenAny(running.SelectMany(one => one.Signals()).Append(patience).Where(signal => signal != patience || !patience.IsCompleted));
                ct.ThrowIfCancellationRequested();
                foreach (var one in running.Where(one => one.Answer.IsCompleted).ToList())
                {
                    running.Remove(one);
                    if (await one.Answer is { } answer)
                    {
                        answers.Add(answer);
                    }
                }
            }

            return answers;
        }
        finally
        {
            await late.CancelAsync();
        }
    }

    private sealed record Attempt<TAnswer>(Task<TAnswer?> Answer, Task Slow)
    {
        public IEnumerable<Task> Signals() => Slow.IsCompleted ? [Answer] : [Answer, Slow];
    }
}
