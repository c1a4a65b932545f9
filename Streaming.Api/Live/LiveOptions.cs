using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Streaming.Api.Live;

/// <summary>Settings under <c>Streaming:Live</c>: what a replica may keep of live streams. What it keeps not, it reads again.</summary>
public sealed class LiveOptions
{
    public const string Section = StreamingOptions.Section + ":Live";

    /// <summary>Streams of which the window is in memory.</summary>
    [Range(1, 100_000)]
    public int Streams { get; set; } = 500;

    /// <summary>Bytes of all their windows and playlists, about.</summary>
    [Range(1L << 16, 1L << 36)]
    public long Bytes { get; set; } = 256L << 20;

    /// <summary>How long a stream is kept that nobody asks for, in seconds.</summary>
    [Range(1, 3600)]
    public int IdleSeconds { get; set; } = 60;
}

[OptionsValidator]
internal sealed partial class LiveOptionsValidator : IValidateOptions<LiveOptions>;
