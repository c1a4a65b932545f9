using LocalHosting.Engine;

namespace LocalHosting.Programs;

/// <summary>A file that must be on the machine, and the Debian package that brings it.</summary>
internal sealed record RequiredFile(string Path, string Package);

/// <summary>How a resource runs as processes of this machine.</summary>
internal interface IProgram
{
    IReadOnlyList<RequiredFile> Requires { get; }

    /// <summary>The account to run as when the AppHost is root; null: the AppHost's own.</summary>
    string? User => null;

    /// <summary>Launches everything that one replica consists of; returns when the last process has been launched, not when it is ready.</summary>
    Task StartAsync(ReplicaContext context, CancellationToken ct);

    /// <summary>The path that answers the question which <paramref name="path"/> asks of the program in the image.</summary>
    string MapHealthPath(string path) => path;

    /// <summary>Called every few seconds while the replica runs.</summary>
    void Maintain(ReplicaContext context)
    {
    }
}
