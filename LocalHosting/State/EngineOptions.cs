using Aspire.Hosting;
using Microsoft.Extensions.Configuration;

namespace LocalHosting.State;

/// <summary>How this run of the engine keeps its state, from the command line (<c>--ephemeral</c>, <c>--endpoints FILE</c>) or configuration.</summary>
internal sealed record EngineOptions
{
    /// <summary>A new temporary folder and free ports, both gone at the end; several such engines run side by side.</summary>
    public bool Ephemeral { get; init; }

    /// <summary>Where endpoints.json is written; null: into the state folder.</summary>
    public string? EndpointsFile { get; init; }

    /// <summary>The state folder; null: `.local` beside the solution, or a temporary folder when ephemeral.</summary>
    public string? StateFolder { get; init; }

    /// <summary>Echo the resources' output to the console. Off in tests; the log files are always written.</summary>
    public bool ConsoleLogs { get; init; } = true;

    /// <summary>What ends again and again is started again after this. Short in tests, which kill and have to wait for it.</summary>
    public TimeSpan LongestRestartDelay { get; init; } = TimeSpan.FromSeconds(30);

    public required string AppHostDirectory { get; init; }

    public static EngineOptions From(IConfiguration configuration, string appHostDirectory) => new()
    {
        Ephemeral = Flag(configuration["LocalHosting:Ephemeral"]),
        EndpointsFile = configuration["LocalHosting:EndpointsFile"] is { Length: > 0 } file ? Path.GetFullPath(file) : null,
        StateFolder = configuration["LocalHosting:StateFolder"] is { Length: > 0 } folder ? Path.GetFullPath(folder) : null,
        ConsoleLogs = configuration["LocalHosting:ConsoleLogs"] is not { } logs || Flag(logs),
        LongestRestartDelay = TimeSpan.FromSeconds(configuration.GetValue("LocalHosting:LongestRestartDelaySeconds", 30)),
        AppHostDirectory = appHostDirectory,
    };

    /// <summary>The command line in the form that the configuration's own reader takes: it knows no flags without a value.</summary>
    public static string[] ExpandFlags(string[] args)
    {
        var expanded = args.Select(a => a == "--ephemeral" ? "--LocalHosting:Ephemeral=true" : a).ToArray();
        for (var i = 0; i < expanded.Length; i++)
        {
            if (expanded[i] is "--endpoints" or "--state" or "--publisher" or "--output-path" or "--operation"
                && (i + 1 == expanded.Length || expanded[i + 1].StartsWith("--", StringComparison.Ordinal)))
                throw new DistributedApplicationException($"{expanded[i]} needs a value.");
        }

        return expanded;
    }

    private static bool Flag(string? value) => string.Equals(value, "true", StringComparison.OrdinalIgnoreCase);
}
