using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Upload.Api.Status;

/// <summary>Section <c>Status</c>.</summary>
public sealed class StatusOptions
{
    public const string Section = "Status";

    /// <summary>Status streams that one replica keeps open, WebSocket and server-sent events together. Beyond it: 503 with Retry-After.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Status:MaxStreams must lie between 1 and 1000000.")]
    public int MaxStreams { get; set; } = 10_000;
}

[OptionsValidator]
internal sealed partial class StatusOptionsValidator : IValidateOptions<StatusOptions>;

/// <summary>Bounds the open status streams, and with them this replica's connections and memory.</summary>
public sealed class StatusGate(IOptions<StatusOptions> options) : Gate(options.Value.MaxStreams);
