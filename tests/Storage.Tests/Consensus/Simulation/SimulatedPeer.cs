using Storage.Fabric.Consensus;

namespace Storage.Tests.Consensus.Simulation;

/// <summary>A node as a replica of Storage.Metadata sees it: through a network that loses, repeats, delays and so reorders.</summary>
/// <param name="isCut">Whether there is no way between the two while faults last.</param>
internal sealed class SimulatedPeer(World world, SimulatedProcess caller, SimulatedNode node, bool isCut) : IAcceptorPeer
{
    public string Name => node.Name;

    public Task<PrepareReply> PrepareAsync(string chunkId, long ballot, CancellationToken ct) =>
        CallAsync($"prepare {ballot}", () => node.Prepare(ballot));

    public Task<AcceptReply> AcceptAsync(string chunkId, long ballot, string value, CancellationToken ct)
    {
        world.Count(ballot == Proposer.FirstBallot ? "accept of the first ballot" : "accept of a later ballot");
        return CallAsync($"accept {ballot} {value}", () => node.Accept(ballot, value));
    }

    private Task<TReply> CallAsync<TReply>(string what, Func<Task<TReply>> handle)
    {
        TaskCompletionSource<TReply> answer = new();
        var copies = world.Chance(world.Faults.Duplicate) ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            if (IsLost())
            {
                world.Count("lost message");
                world.Trace($"{caller.Name} -> {node.Name} {what}: lost");
                continue;
            }

            world.After(Delay(), null, () => world.Start(node.Process, async () =>
            {
                try
                {
                    var reply = await handle();
                    world.Trace($"{caller.Name} -> {node.Name} {what}: {reply}");
                    if (!IsLost())
                    {
                        world.After(Delay(), caller, () => answer.TrySetResult(reply));
                    }
                }
                catch (IOException exception)
                {
                    world.After(Delay(), caller, () => answer.TrySetException(exception));
                }
            }));
        }

        return answer.Task;
    }

    private bool IsLost() => (isCut && world.Faults != Faults.None) || world.Chance(world.Faults.Drop);

    /// <summary>Late: after its caller has given it up.</summary>
    private TimeSpan Delay() => world.Chance(world.Faults.Late) ? world.Between(20, 400) : world.Between(0.1, 5);
}
