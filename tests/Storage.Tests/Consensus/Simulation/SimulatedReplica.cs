using Storage.Fabric.Consensus;

namespace Storage.Tests.Consensus.Simulation;

/// <summary>A replica of Storage.Metadata that commits the chunk again and again, crashes, and comes back with other contents.</summary>
internal sealed class SimulatedReplica
{
    private const int MostLives = 3;

    private static readonly TimeSpan _replyWithin = TimeSpan.FromMilliseconds(30);

    private readonly Schedule _schedule;
    private readonly World _world;
    private readonly string _name;
    private readonly bool[] _cuts;
    private int _lives;
    private int _contents;

    public SimulatedReplica(Schedule schedule, string name, double cuts)
    {
        (_schedule, _world, _name) = (schedule, schedule.World, name);
        _cuts = [.. schedule.Nodes.Select(_ => _world.Chance(cuts))];
    }

    public void Start(int commits, TimeSpan after)
    {
        SimulatedProcess process = new(_world, $"{_name}.{++_lives}", () =>
        {
            if (_lives < MostLives)
            {
                Start(_world.Random.Next(1, 3), _world.RestartDelay());
            }
        });
        _world.After(after, null, () => _world.Start(process, () => LiveAsync(process, commits)));
    }

    private async Task LiveAsync(SimulatedProcess process, int commits)
    {
        for (var i = 0; i < commits; i++)
        {
            // A client that has had no answer repeats its request; another client brings another content, on other nodes.
            _contents += _world.Chance(0.3) && _contents > 0 ? 0 : 1;
            var urls = string.Join(',', _schedule.DrawNodes());
            try
            {
                await CommitAsync(process, $"{_name}-content{_contents}@{urls}", urls);
                if (_world.Chance(0.3))
                {
                    await _schedule.Catalogue.MoveAsync(process, string.Join(',', _schedule.DrawNodes()));
                }
            }
            catch (IOException)
            {
                _world.Count("Postgres' answer lost");
            }

            await Task.Delay(_world.Between(0, 30), process.Time);
        }
    }

    private async Task CommitAsync(SimulatedProcess process, string value, string urls)
    {
        var visible = _schedule.DrawNodes();
        var (group, isFirst) = await _schedule.Catalogue.FixGroupAsync(process, visible, _schedule.GroupSize);
        if (_schedule.Mutation == Mutation.GroupOfTheRequest)
        {
            group = visible;
            isFirst = false;
        }

        Proposer proposer = new(process.Time, new FewBallots(_world.Random, _schedule.DrawnBallots), _replyWithin);
        _schedule.Chosen.Proposed(value);
        _world.Trace($"{process.Name} proposes {value} to {string.Join(',', group)}{(isFirst ? ", first" : "")}");
        var proposal = await proposer.ProposeAsync(
            Schedule.ChunkId, value, [.. group.Select(node => new SimulatedPeer(_world, process, _schedule.Nodes[node], _cuts[node]))], isFirst, CancellationToken.None);
        _world.Trace($"{process.Name} {proposal}");
        if (proposal is { Outcome: ProposalOutcome.Chosen, Value: { } decided })
        {
            _world.Count(decided == value ? "won" : "lost to another value");
            _schedule.Chosen.Reported(process.Name, decided);
            await _schedule.Catalogue.RecordAsync(process, decided, urls);
        }
        else
        {
            _world.Count("undecided");
        }
    }

    /// <summary>Draws so few ballots that two proposers often have the same one, which a million of them would not in years.</summary>
    private sealed class FewBallots(Random random, int ballots) : Random
    {
        private const int LargerThanAnyPause = 1000;

        public override int Next(int maxValue) => random.Next(maxValue > LargerThanAnyPause ? ballots : maxValue);

        public override int Next(int minValue, int maxValue) => random.Next(minValue, maxValue);
    }
}
