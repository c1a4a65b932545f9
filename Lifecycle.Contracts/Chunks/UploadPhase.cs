using System.Collections.Frozen;
using System.Text.Json;

namespace Lifecycle.Contracts.Chunks;

/// <summary>What an upload to the chunk store is at, as seed 002 names it.</summary>
public enum UploadPhase
{
    Uploading,
    Processing,
    Chunking,
    Registering,
    UploadingChunks,
    Finalizing,
    Completed,
    Failed,
}

/// <summary>The one table of phases with the percent that each covers. A failed upload keeps the percent that it had reached.</summary>
public static class UploadPhases
{
    private static readonly FrozenDictionary<UploadPhase, (int From, int To)> _percent = new Dictionary<UploadPhase, (int, int)>
    {
        [UploadPhase.Uploading] = (0, 10),
        [UploadPhase.Processing] = (10, 20),
        [UploadPhase.Chunking] = (20, 40),
        [UploadPhase.Registering] = (40, 50),
        [UploadPhase.UploadingChunks] = (50, 90),
        [UploadPhase.Finalizing] = (90, 100),
        [UploadPhase.Completed] = (100, 100),
    }.ToFrozenDictionary();

    /// <summary>As written in the database and on the wire: <c>uploading_chunks</c>.</summary>
    public static string NameOf(UploadPhase phase) => JsonNamingPolicy.SnakeCaseLower.ConvertName(phase.ToString());

    public static UploadPhase Parse(string name) => Enum.GetValues<UploadPhase>().Single(phase => NameOf(phase) == name);

    /// <param name="done">Share of the phase's own work, 0 to 1.</param>
    public static int Percent(UploadPhase phase, double done)
    {
        var (from, to) = _percent[phase];
        return from + (int)((to - from) * Math.Clamp(done, 0, 1));
    }
}
