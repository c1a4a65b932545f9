using Storage.Fabric.Consensus;

namespace Storage.Tests.Consensus.Simulation;

/// <summary>A storage node: the production acceptor over a disk that outlives its process.</summary>
internal sealed class SimulatedNode
{
    private readonly World _world;
    private readonly Mutation _mutation;
    private readonly SimulatedDisk _disk;

    public SimulatedNode(World world, ChosenValues chosen, int index, Mutation mutation)
    {
        (_world, _mutation, Index) = (world, mutation, index);
        _disk = new(world, chosen, this, mutation);
        Start();
    }

    public int Index { get; }

    public string Name => $"n{Index}";

    public SimulatedProcess Process { get; private set; } = null!;

    public Func<long, Task<PrepareReply>> Prepare { get; private set; } = null!;

    public Func<long, string, Task<AcceptReply>> Accept { get; private set; } = null!;

    public void Start()
    {
        Process = new(_world, Name, () =>
        {
            _disk.Crashed();
            _world.After(_world.RestartDelay(), null, Start);
        });
        _disk.Loaded();
        if (_mutation.BreaksAcceptor())
        {
            BrokenAcceptor broken = new(_disk, new(_mutation == Mutation.TakesTwoCallsAtOnce ? int.MaxValue : 1), _mutation);
            (Prepare, Accept) = (broken.PrepareAsync, broken.AcceptAsync);
        }
        else
        {
            Acceptor acceptor = new(_disk);
            Prepare = ballot => acceptor.PrepareAsync(Schedule.ChunkId, ballot, CancellationToken.None);
            Accept = (ballot, value) => acceptor.AcceptAsync(Schedule.ChunkId, ballot, value, CancellationToken.None);
        }
    }
}
