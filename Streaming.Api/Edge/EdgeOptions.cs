using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Streaming.Api.Edge;

/// <summary>Where the chunk store is; section <c>ChunkStore</c>.</summary>
public sealed class EdgeOptions
{
    public const string Section = "ChunkStore";

    /// <summary>Storage.Metadata's address; not set: every segment comes from S3.</summary>
    [Url(ErrorMessage = "ChunkStore:MetadataUrl must be an address like http://host:8090; leave it out to read from S3 alone.")]
    public string? MetadataUrl { get; set; }

    /// <summary>What an attempt to read a segment from the nodes may take before S3 is asked: the most that a dead chunk store costs a miss.</summary>
    [Range(0.1, 5, ErrorMessage = "ChunkStore:ReadSeconds must lie between 0.1 and 5.")]
    public double ReadSeconds { get; set; } = 2;
}

[OptionsValidator]
internal sealed partial class EdgeOptionsValidator : IValidateOptions<EdgeOptions>;
