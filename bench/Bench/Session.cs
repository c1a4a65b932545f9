using System.Diagnostics;

namespace Bench;

/// <summary>What one run of a benchmark owns: scratch files and platforms, all gone when it is disposed.</summary>
public sealed class Session : IAsyncDisposable
{
    private readonly List<Platform> _platforms = [];
    private readonly long _started = Stopwatch.GetTimestamp();

    public Session(bool quick)
    {
        Quick = quick;
        Scratch = Directory.CreateTempSubdirectory("videoplatform-bench-").FullName;
        File.SetUnixFileMode(Scratch, (UnixFileMode)0b111_101_101); // the peer's nginx is another user
    }

    /// <summary>Short parameters: shows that everything works; the figures mean little.</summary>
    public bool Quick { get; }

    public string Scratch { get; }

    /// <summary>Another pair is measured while there are fewer than <paramref name="most"/> and the time for pairs is not used up; the first always is.</summary>
    public bool Another(int done, int most) => done == 0 || (done < most && Stopwatch.GetElapsedTime(_started) < TimeSpan.FromSeconds(150));

    public async Task<Platform> StartAsync(PlatformOptions options, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        var platform = await Platform.StartAsync(options, _platforms.Add, ct);
        Print($"platform started in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
        return platform;
    }

    /// <summary>Ends a platform before the session does: what is measured next has the machine to itself.</summary>
    public async Task EndAsync(Platform platform)
    {
        _platforms.Remove(platform);
        await platform.DisposeAsync();
    }

    public static void Print(string line) => Console.WriteLine(line);

    public async ValueTask DisposeAsync()
    {
        foreach (var platform in _platforms)
        {
            await platform.DisposeAsync();
        }

        _platforms.Clear();
        if (Directory.Exists(Scratch))
        {
            Directory.Delete(Scratch, recursive: true);
        }
    }
}
