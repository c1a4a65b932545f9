namespace Storage.Tests.Consensus.Simulation;

/// <summary>One run of several replicas over several nodes for one chunk: bad times first, then a quiet world in which a last replica must find a decision.</summary>
internal sealed class Schedule
{
    public const string ChunkId = "00000000-0000-0000-0000-000000000000-chunk-000";

    private Schedule(int seed, Mutation mutation, bool traced)
    {
        World = new(seed, traced);
        var random = World.Random;
        Mutation = mutation;
        GroupSize = random.Next(8) switch { 0 => 1, 1 => 2, 2 => 5, _ => 3 };
        DrawnBallots = random.Next(3) switch { 0 => 1, 1 => 2, _ => 1000 };
        World.Faults = Faults.Draw(random);
        Chosen = new(World, mutation);
        Catalogue = new(World, Chosen);
        Nodes = [.. Enumerable.Range(0, random.Next(3, 7)).Select(index => new SimulatedNode(World, Chosen, index, mutation))];
    }

    public World World { get; }

    public Mutation Mutation { get; }

    public int GroupSize { get; }

    /// <summary>Different ballots in a round of all proposers.</summary>
    public int DrawnBallots { get; }

    public ChosenValues Chosen { get; }

    public SimulatedCatalogue Catalogue { get; }

    public IReadOnlyList<SimulatedNode> Nodes { get; }

    public static World Run(int seed, Mutation mutation = Mutation.None, bool traced = false)
    {
        Schedule schedule = new(seed, mutation, traced);
        schedule.Run();
        return schedule.World;
    }

    /// <summary>What a request names or a replica sees of the nodes: any part of them, disjoint from the last one's, or less of it.</summary>
    public int[] DrawNodes()
    {
        var drawn = Nodes.Select(node => node.Index).ToArray();
        World.Random.Shuffle(drawn);
        return drawn[..World.Random.Next(1, drawn.Length + 1)];
    }

    private void Run()
    {
        var cuts = World.Chance(0.5) ? 0 : 0.2;
        for (var i = 0; i < World.Random.Next(2, 4); i++)
        {
            new SimulatedReplica(this, $"m{i}", cuts).Start(World.Random.Next(1, 4), World.Between(0, 30));
        }

        World.Run();

        // All are done, crashed nodes are up again: nothing stands in the way of a decision now, nor may it change.
        World.Faults = Faults.None;
        new SimulatedReplica(this, "last", 0).Start(1, TimeSpan.Zero);
        World.Run();
        if (World.Violation is null && !Chosen.IsReported)
        {
            World.Violated("a quiet world with all nodes up, and no decision");
        }
    }
}
