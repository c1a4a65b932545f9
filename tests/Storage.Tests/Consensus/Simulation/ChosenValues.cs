using System.Numerics;

namespace Storage.Tests.Consensus.Simulation;

/// <summary>
/// The invariant, from the acceptors' own states over all history: a value is chosen when a majority of the group has accepted
/// it in one ballot. Never two; what is reported is it; it was proposed.
/// </summary>
internal sealed class ChosenValues(World world, Mutation mutation)
{
    private readonly Dictionary<(long Ballot, string Value), int> _acceptedBy = [];
    private readonly HashSet<string> _proposed = new(StringComparer.Ordinal);
    private string? _chosen;
    private string? _reported;
    private int _group;

    public bool IsReported => _reported is not null;

    public IReadOnlyList<int> Group
    {
        set => _group = value.Aggregate(0, (mask, node) => mask | (1 << node));
    }

    public void Proposed(string value) => _proposed.Add(value);

    public void Accepted(int node, long ballot, string value)
    {
        var mask = _acceptedBy.GetValueOrDefault((ballot, value)) | (1 << node);
        _acceptedBy[(ballot, value)] = mask;
        if (BitOperations.PopCount((uint)(mask & _group)) <= BitOperations.PopCount((uint)_group) / 2 || mutation == Mutation.GroupOfTheRequest)
        {
            return;
        }

        if (_chosen is null)
        {
            world.Trace($"chosen: {value} in {ballot}");
        }

        _chosen ??= value;
        if (_chosen != value)
        {
            world.Violated($"two values chosen: {_chosen}, and {value} in {ballot}");
        }
    }

    public void Reported(string by, string value)
    {
        if (!_proposed.Contains(value))
        {
            world.Violated($"{by} reports {value}, which nobody has proposed");
        }

        if (_chosen != value && mutation != Mutation.GroupOfTheRequest)
        {
            world.Violated($"{by} reports {value}, chosen is {_chosen}");
        }

        _reported ??= value;
        if (_reported != value)
        {
            world.Violated($"{by} reports {value}, after {_reported} was reported");
        }
    }
}
