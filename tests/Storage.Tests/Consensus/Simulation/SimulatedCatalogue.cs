using Storage.Fabric;
using Storage.Fabric.Chunks;

namespace Storage.Tests.Consensus.Simulation;

/// <summary>Postgres: each statement is atomic and durable; its answer may be lost on the way.</summary>
internal sealed class SimulatedCatalogue(World world, ChosenValues chosen)
{
    private IReadOnlyList<int>? _group;
    private string? _decision;
    private (int Version, string Urls)? _placement;

    /// <summary>The production rule: chosen by whoever is first, for ever, from the nodes that are there and not from its <c>node_urls</c>.</summary>
    public Task<(IReadOnlyList<int> Group, bool IsFirst)> FixGroupAsync(SimulatedProcess caller, IReadOnlyList<int> nodes, int size) => AskAsync(caller, () =>
    {
        var isFirst = _group is null || IsRestored();
        _group ??= [.. Placement.Choose(Schedule.ChunkId, [.. nodes.Select(node => $"node-{node}")], size).Select(name => int.Parse(name["node-".Length..]))];
        chosen.Group = _group;
        return (_group, isFirst);
    });

    /// <summary>What is decided is written down once; another decision would be the end of all.</summary>
    public Task RecordAsync(SimulatedProcess caller, string value, string urls) => AskAsync(caller, () =>
    {
        _decision ??= value;
        _placement ??= (1, urls);
        if (_decision != value)
        {
            world.Violated($"recorded {_decision}, then {value}");
        }

        return true;
    });

    /// <summary>Repair or conversion: where the chunk lives now moves, by compare-and-swap; what is decided does not.</summary>
    public async Task MoveAsync(SimulatedProcess caller, string urls)
    {
        if (await AskAsync(caller, () => _placement) is not { } seen)
        {
            return;
        }

        await AskAsync(caller, () =>
        {
            if (_placement?.Version == seen.Version)
            {
                world.Count("placement moved");
                _placement = (seen.Version + 1, urls);
            }

            return true;
        });
    }

    /// <summary>Restored from a backup of before the group was fixed: it is fixed again, to the same nodes, and the first ballot is given out once more.</summary>
    private bool IsRestored()
    {
        if (!world.Chance(world.Faults.Restore))
        {
            return false;
        }

        world.Count("first ballot given out again");
        return true;
    }

    private async Task<T> AskAsync<T>(SimulatedProcess caller, Func<T> statement)
    {
        TaskCompletionSource<T> answer = new();
        world.After(world.Between(0.1, 3), null, () =>
        {
            var result = statement();
            var isLost = world.Chance(world.Faults.LostAnswerOfPostgres);
            world.After(world.Between(0.1, 3), caller, () =>
            {
                if (isLost)
                {
                    answer.SetException(new IOException("connection lost after the statement"));
                }
                else
                {
                    answer.SetResult(result);
                }
            });
        });
        return await answer.Task;
    }
}
