using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Lifecycle.Store.Live;

/// <summary>Section <c>Streams</c>: what Live.Api and the workers must see alike.</summary>
public sealed class StreamOptions
{
    public const string Section = "Streams";

    private const string OwnIngest = "rtmps?://[^/?#]+/[^?#]+";

    /// <summary>The <c>source</c> of events.</summary>
    [Required(ErrorMessage = "Streams:EventSource must not be empty.")]
    public string EventSource { get; set; } = "com.guidogerb.streams";

    /// <summary>How long an input may stay away before its broadcast is over, in seconds.</summary>
    [Range(1, 3600, ErrorMessage = "Streams:ResumeWithinSeconds must lie between 1 and 3600.")]
    public double ResumeWithinSeconds { get; set; } = 20;

    /// <summary>How long before <c>startTime</c> an encoder is reserved, in seconds.</summary>
    [Range(0, 3600, ErrorMessage = "Streams:LeadSeconds must lie between 0 and 3600.")]
    public double LeadSeconds { get; set; } = 60;

    /// <summary>Media seconds that a live playlist lists: how far viewers can go back.</summary>
    [Range(10, 14400, ErrorMessage = "Streams:DvrSeconds must lie between 10 and 14400.")]
    public int DvrSeconds { get; set; } = 300;

    /// <summary>How long a finished stream's live segments are kept once its recording is a READY video, in seconds: players on the live playlist end in peace.</summary>
    [Range(0, 86400, ErrorMessage = "Streams:KeepSeconds must lie between 0 and 86400.")]
    public double KeepSeconds { get; set; } = 600;

    /// <summary>Hosts, as <c>host</c> or <c>host:port</c>, that inputs may be pulled from, besides the platform's own ingest.</summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>The platform's own RTMP ingest as broadcasters reach it: <c>rtmp://HOST:PORT/live</c>. The AppHost sets it. Empty: there is none.</summary>
    [RegularExpression(OwnIngest, ErrorMessage = "Streams:IngestUrl must be like rtmp://HOST:PORT/live, or empty.")]
    public string IngestUrl { get; set; } = "";

    /// <summary>The same as the workers reach it; empty: as <see cref="IngestUrl"/>.</summary>
    [RegularExpression(OwnIngest, ErrorMessage = "Streams:IngestPullUrl must be like rtmp://HOST:PORT/live, or empty.")]
    public string IngestPullUrl { get; set; } = "";

    /// <summary>Where the platform itself reaches its ingest; empty: there is none.</summary>
    public string InnerIngestUrl => IngestPullUrl.Length > 0 ? IngestPullUrl : IngestUrl;

    /// <summary>What the keys are derived from with which workers play from the own ingest; the same in Live.Api and all workers. The AppHost generates it. Empty: nobody plays from it.</summary>
    [RegularExpression("^$|^.{32,}$", ErrorMessage = "Streams:PlaySecret needs at least 32 characters.")]
    public string PlaySecret { get; set; } = "";
}

[OptionsValidator]
internal sealed partial class StreamOptionsValidator : IValidateOptions<StreamOptions>;
