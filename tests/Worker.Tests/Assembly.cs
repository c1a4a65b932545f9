using Testing;

[assembly: AssemblyFixture(typeof(Servers))]

// Each broadcast takes a worker, two ffmpegs and a broadcaster in real time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
