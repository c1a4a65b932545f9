using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Storage.Fabric;

namespace Smart.Client;

/// <summary>Settings under <c>SmartClient</c>. <c>METADATA_SERVICE_URL</c> and <c>--metadata</c> are other names of <see cref="MetadataUrl"/>.</summary>
public sealed class SmartClientOptions : IValidatableObject
{
    public const string Section = "SmartClient";

    /// <summary>The metadata service.</summary>
    [Required]
    public string MetadataUrl { get; set; } = "http://localhost:8090";

    /// <summary>Chunks of one playback that are downloaded at the same time.</summary>
    [Range(1, 16)]
    public int ConcurrentDownloads { get; set; } = 4;

    /// <summary>Seconds of video that a playback downloads ahead.</summary>
    [Range(1.0, 600.0)]
    public double TargetBufferSeconds { get; set; } = 30;

    /// <summary>Below so many seconds it begins to download again.</summary>
    [Range(0.5, 600.0)]
    public double RefillBelowSeconds { get; set; } = 15;

    /// <summary>With so many seconds a playback starts, and goes on after the buffer has run dry.</summary>
    [Range(0.1, 600.0)]
    public double StartAtSeconds { get; set; } = 10;

    /// <summary>Bytes of video that one playback keeps.</summary>
    [Range(4L << 20, 1L << 30)]
    public long BufferBytes { get; set; } = 64L << 20;

    /// <summary>Between two pings of a node.</summary>
    [Range(0.1, 60.0)]
    public double PingSeconds { get; set; } = 3;

    /// <summary>For how long a chunk that nobody gives is asked for again.</summary>
    [Range(1.0, 3600.0)]
    public double GiveUpAfterSeconds { get; set; } = 60;

    /// <summary>Playbacks at the same time; a further one is refused with 503.</summary>
    [Range(1, 1000)]
    public int Playbacks { get; set; } = 16;

    /// <summary>Open connections to the dashboard.</summary>
    [Range(1, 100_000)]
    public int Connections { get; set; } = 256;

    /// <summary>Samples of the history, one a second.</summary>
    [Range(10, 3600)]
    public int HistorySamples { get; set; } = 300;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!(Uri.TryCreate(MetadataUrl, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)))
        {
            yield return new("The metadata service's address begins with http:// or https://; set METADATA_SERVICE_URL or --metadata.", [nameof(MetadataUrl)]);
        }

        if (!(StartAtSeconds <= RefillBelowSeconds && RefillBelowSeconds < TargetBufferSeconds))
        {
            yield return new("StartAtSeconds is at most RefillBelowSeconds, and that is under TargetBufferSeconds.", [nameof(RefillBelowSeconds)]);
        }

        var needed = Math.Ceiling(TargetBufferSeconds / ChunkLimits.ChunkSeconds) * ChunkLimits.MostBytes;
        if (BufferBytes < needed)
        {
            yield return new($"BufferBytes is at least {needed:0}: what TargetBufferSeconds of chunks may have.", [nameof(BufferBytes)]);
        }
    }
}

[OptionsValidator]
internal sealed partial class SmartClientOptionsValidator : IValidateOptions<SmartClientOptions>;
