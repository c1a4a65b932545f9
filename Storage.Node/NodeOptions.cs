using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Storage.Node;

/// <summary>The environment variables of seed 002, and the section <c>Node</c> for the rest.</summary>
public sealed class NodeOptions
{
    public const string Section = "Node";

    /// <summary><c>DATA_DIR</c>: the folder of this node alone. Without it <c>STATE_DIRECTORY</c>, which systemd and the local engine set.</summary>
    [Required(ErrorMessage = "DATA_DIR is not set. Name the folder that keeps this node's chunks; no other node may use it.")]
    public string DataDir { get; set; } = "";

    /// <summary><c>NODE_ID</c>. Without it, the one that the folder has, or a drawn one.</summary>
    [RegularExpression("[A-Za-z0-9._-]{1,64}", ErrorMessage = "NODE_ID consists of 1 to 64 letters, digits, dots, underscores and hyphens.")]
    public string? NodeId { get; set; }

    /// <summary><c>NODE_URL</c>: where others reach this node. Without it, the address that it listens on.</summary>
    [RegularExpression("https?://.+", ErrorMessage = "NODE_URL is where other services reach this node: it begins with http:// or https://.")]
    public string? NodeUrl { get; set; }

    /// <summary><c>METADATA_SERVICE_URL</c>. Without it the node stands alone.</summary>
    [RegularExpression("https?://.+", ErrorMessage = "METADATA_SERVICE_URL begins with http:// or https://, or is not set: then the node stands alone.")]
    public string? MetadataServiceUrl { get; set; }

    /// <summary>What PUT, DELETE and /consensus want as bearer token, and what the node shows to the metadata service.</summary>
    public string? Credential { get; set; }

    /// <summary>Lets everybody write although this is no development environment.</summary>
    public bool Open { get; set; }

    /// <summary>About where a new superblock is begun, in bytes.</summary>
    [Range(64L << 10, 1L << 30)]
    public long SuperblockBytes { get; set; } = 256L << 20;

    /// <summary>PUTs that hold a buffer of 2 MiB at a time; further ones are answered with 503.</summary>
    [Range(1, 1024)]
    public int ConcurrentWrites { get; set; } = 32;

    /// <summary>GETs that hold a buffer of 2 MiB at a time; further ones are answered with 503.</summary>
    [Range(1, 1024)]
    public int ConcurrentReads { get; set; } = 64;

    /// <summary>Open client connections.</summary>
    [Range(1, 1_000_000)]
    public int Connections { get; set; } = 2048;

    /// <summary>Between two heartbeats, in seconds; the metadata service takes a node for degraded after 10.</summary>
    [Range(0.05, 10)]
    public double HeartbeatSeconds { get; set; } = 5;

    /// <summary>Between two rounds of checkpoints and compaction, in seconds.</summary>
    [Range(0.05, 3600)]
    public double UpkeepSeconds { get; set; } = 30;

    /// <summary>A superblock of which this share is garbage is compacted.</summary>
    [Range(0.05, 1)]
    public double CompactAtGarbage { get; set; } = 0.5;

    /// <summary>Rate of the scrub, in MiB per second.</summary>
    [Range(0.01, 10_000)]
    public double ScrubMegabytesPerSecond { get; set; } = 8;

    /// <summary>From the end of one scrub to the next, in hours.</summary>
    [Range(0.0001, 8760)]
    public double ScrubHours { get; set; } = 24;
}

[OptionsValidator]
internal sealed partial class NodeOptionsValidator : IValidateOptions<NodeOptions>;

/// <summary>A node that strangers can write to is not started by oversight.</summary>
internal sealed class CredentialRule(IHostEnvironment environment) : IValidateOptions<NodeOptions>
{
    public ValidateOptionsResult Validate(string? name, NodeOptions options) =>
        environment.IsDevelopment() || options.Open || !string.IsNullOrEmpty(options.Credential)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail("Node:Credential is not set. Set Node__Credential to a secret that the metadata service and the uploader share, or Node__Open=true to let everybody write.");
}
