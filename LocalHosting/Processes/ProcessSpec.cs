namespace LocalHosting.Processes;

/// <summary>Everything about a process before it exists.</summary>
internal sealed record ProcessSpec(string Program, IReadOnlyList<string> Args)
{
    /// <summary>Short name for logs and pids.json.</summary>
    public string Label => Path.GetFileName(Program);

    /// <summary>Set on top of the AppHost's own environment; null removes a variable.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    public required string WorkingDirectory { get; init; }

    /// <summary>The user to become when the AppHost runs as root; null: stay.</summary>
    public string? User { get; init; }

    /// <summary>Asks the process to end; what is still there after <see cref="StopGrace"/> is killed.</summary>
    public UnixSignal StopSignal { get; init; } = UnixSignal.TERM;

    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(10);
}
