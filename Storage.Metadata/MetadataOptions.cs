using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Storage.Metadata;

/// <summary>Section <c>Metadata</c>.</summary>
public sealed class MetadataOptions
{
    public const string Section = "Metadata";

    /// <summary>The secret between this service and the nodes and writers, sent as <c>Authorization: Bearer</c> either way.</summary>
    [MinLength(16, ErrorMessage = "Metadata:NodeCredential must have at least 16 characters.")]
    public string? NodeCredential { get; set; }

    /// <summary>Takes changes from anybody, also outside Development. For closed networks.</summary>
    public bool Open { get; set; }

    /// <summary>How clients reach this service: where coded chunks are read whole. Not set: as the request for the manifest did.</summary>
    [RegularExpression("^https?://[^ ]+$", ErrorMessage = "Metadata:PublicUrl must be an address like http://host:8080.")]
    public string? PublicUrl { get; set; }

    /// <summary>Other addresses of nodes, each <c>URL=NODE_ID</c>, beside those that <c>/ping</c> tells.</summary>
    public IList<string> Aliases { get; } = [];

    /// <summary>Without a sign of life a node is degraded after this many seconds...</summary>
    [Range(0.1, 3600)]
    public double DegradedAfterSeconds { get; set; } = 10;

    /// <summary>...and down after this many: then what it held is made anew elsewhere.</summary>
    [Range(0.2, 7200)]
    public double DownAfterSeconds { get; set; } = 20;

    [Range(0.1, 60)]
    public double ProbeSeconds { get; set; } = 3;

    [Range(0.1, 60)]
    public double ProbeTimeoutSeconds { get; set; } = 2;

    [Range(1, 1024)]
    public int ConcurrentProbes { get; set; } = 16;

    /// <summary>Between two looks for lost copies, and for copies to remove.</summary>
    [Range(0.1, 60)]
    public double RepairSeconds { get; set; } = 2;

    /// <summary>Chunks repaired or converted at a time.</summary>
    [Range(1, 256)]
    public int ConcurrentRepairs { get; set; } = 8;

    /// <summary>Chunks whose nodes are asked in one look whether they still have them; those of a node that has fewer than it should go first.</summary>
    [Range(0, 10_000)]
    public int AuditedPerLook { get; set; } = 64;

    /// <summary>Converts chunks between replication and erasure coding as their video's popularity goes.</summary>
    public bool Conversions { get; set; } = true;

    /// <summary>How long a video has been active before its chunks are converted.</summary>
    [Range(0, 86_400)]
    public double SettlingSeconds { get; set; } = 180;

    /// <summary>Replicated chunks of a video become coded only below this many views, not at the threshold itself: a video around it would go to and fro.</summary>
    [Range(0, 1000)]
    public int CodedBelowViews { get; set; } = 900;

    /// <summary>How long the copies that a conversion leaves behind stay readable for clients with an older manifest.</summary>
    [Range(0, 86_400)]
    public double RemovalGraceSeconds { get; set; } = 600;

    /// <summary>Coded chunks that are put together for clients at a time; others wait.</summary>
    [Range(1, 256)]
    public int ConcurrentReads { get; set; } = 16;
}

[OptionsValidator]
internal sealed partial class MetadataOptionsValidator : IValidateOptions<MetadataOptions>;

/// <summary>What depends on more than one setting, or on the environment.</summary>
internal sealed class MetadataOptionsRules(IHostEnvironment environment) : IValidateOptions<MetadataOptions>
{
    public ValidateOptionsResult Validate(string? name, MetadataOptions options) => options switch
    {
        { NodeCredential: null, Open: false } when !environment.IsDevelopment() => ValidateOptionsResult.Fail(
            "Metadata:NodeCredential is not set: anybody could register nodes and commit chunks. Set it to what the nodes have, or Metadata:Open to true where the network is closed."),
        _ when options.DownAfterSeconds <= options.DegradedAfterSeconds => ValidateOptionsResult.Fail("Metadata:DownAfterSeconds must be more than Metadata:DegradedAfterSeconds."),
        _ when options.Aliases.Any(alias => alias.LastIndexOf('=') <= 0) => ValidateOptionsResult.Fail("Metadata:Aliases holds an entry that is not like http://storage-node-1:8081=storage-node-1."),
        _ => ValidateOptionsResult.Success,
    };
}
