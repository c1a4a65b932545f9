using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Processes;
using LocalHosting.State;

namespace LocalHosting.Engine;

/// <summary>One life of one replica: what its program may use, and the processes it has launched. All of them end with the first that ends.</summary>
internal sealed class ReplicaContext(IResource resource, int replica, EngineServices engine, ResourceLog log, string? user) : IAsyncDisposable
{
    private readonly List<ChildProcess> _processes = [];
    private readonly CancellationTokenSource _ended = new();

    public IResource Resource => resource;

    public int Replica => replica;

    public PortBook Ports => engine.Ports;

    public bool IsEphemeral => engine.State.IsEphemeral;

    /// <summary>The account that the processes run as; null: the AppHost's own.</summary>
    public string? User => user;

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public required IReadOnlyList<string> Args { get; init; }

    /// <summary>Ends when any of the processes has ended.</summary>
    public CancellationToken Ended => _ended.Token;

    public IReadOnlyList<ChildProcess> Processes => _processes;

    public EndpointAnnotation Endpoint(string name) => resource.Annotations.OfType<EndpointAnnotation>().First(e => e.Name == name);

    public int Port(EndpointAnnotation endpoint) => endpoint.ReplicaPorts[replica];

    public void WriteLog(string line) => log.Write(line);

    public async Task<ChildProcess> LaunchAsync(ProcessSpec spec)
    {
        var process = await ChildProcess.StartAsync(spec with { User = user }, engine.Launcher, engine.Supervisor, log.Write, engine.Time);
        _processes.Add(process);
        _ = process.Exited.ContinueWith(_ => _ended.Cancel(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return process;
    }

    /// <summary>Runs a tool to its end. Its output goes to the log; failure carries the last of it.</summary>
    public async Task RunAsync(ProcessSpec spec, CancellationToken ct)
    {
        var tail = new Queue<string>();
        var process = await ChildProcess.StartAsync(spec with { User = user }, engine.Launcher, engine.Supervisor, Keep, engine.Time);
        try
        {
            var exitCode = await process.Exited.WaitAsync(ct);
            await process.Pumps.WaitAsync(ct);
            if (exitCode != 0)
                throw new DistributedApplicationException($"{spec.Program} {string.Join(' ', spec.Args)} ended with code {exitCode}: {string.Join(" / ", tail)}");
        }
        finally
        {
            await process.StopAsync();
        }

        void Keep(string line)
        {
            lock (tail)
            {
                tail.Enqueue(line);
                if (tail.Count > 10)
                    tail.Dequeue();
            }
        }
    }

    /// <summary>The replica's own data folder, closed to everyone but its user.</summary>
    public async Task<string> DataFolderAsync(CancellationToken ct)
    {
        var folder = Path.Combine(engine.State.DataRoot, replica == 0 ? resource.Name : $"{resource.Name}-{replica}");
        if (!Directory.Exists(folder))
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await GiveAsync(folder, ct);
        return folder;
    }

    /// <summary>Gives files that the engine has written to the replica's user.</summary>
    public async Task GiveAsync(string path, CancellationToken ct)
    {
        if (user is null)
            return;
        var chown = await ChildProcess.StartAsync(new("chown", [$"{user}:", "--", path]) { WorkingDirectory = "/" }, engine.Launcher, engine.Supervisor, log.Write, engine.Time);
        if (await chown.Exited.WaitAsync(ct) != 0)
            throw new DistributedApplicationException($"{path} could not be given to the user {user}.");
    }

    /// <summary>Ends the processes, the last launched first.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.AsEnumerable().Reverse())
            await process.StopAsync();
        _ended.Dispose();
    }
}
