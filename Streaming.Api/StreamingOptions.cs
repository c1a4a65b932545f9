using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Streaming.Api;

/// <summary>Settings under <c>Streaming</c>. Every one is a bound: what a replica may use of the machine.</summary>
public sealed class StreamingOptions
{
    public const string Section = "Streaming";

    /// <summary>Bytes of segments kept in memory.</summary>
    [Range(1L << 20, 1L << 40)]
    public long MemoryBytes { get; set; } = 256L << 20;

    /// <summary>Bytes of segments kept on disk behind the memory; 0 keeps none.</summary>
    [Range(0L, 1L << 44)]
    public long DiskBytes { get; set; } = 2L << 30;

    /// <summary>The folder under which each process makes a folder of its own; default: one in the system's temporary folder.</summary>
    public string? DiskPath { get; set; }

    /// <summary>Videos whose playlists and segment lists are kept in memory.</summary>
    [Range(1, 1_000_000)]
    public int Videos { get; set; } = 1000;

    /// <summary>Objects that are read from the store at the same time; others wait for their turn.</summary>
    [Range(1, 1000)]
    public int ConcurrentFetches { get; set; } = 32;

    /// <summary>Open client connections; further ones are refused, and the gateway tries the next replica.</summary>
    [Range(1, 1_000_000)]
    public int Connections { get; set; } = 10_000;

    /// <summary>Seconds between two comparisons of all cached videos with the database; bounds how long a lost event matters. Deletions are promised within 60 s everywhere, the gateway included.</summary>
    [Range(1, 15)]
    public int RecheckSeconds { get; set; } = 10;
}

[OptionsValidator]
internal sealed partial class StreamingOptionsValidator : IValidateOptions<StreamingOptions>;
