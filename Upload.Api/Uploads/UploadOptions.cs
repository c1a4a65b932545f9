using System.ComponentModel.DataAnnotations;
using Lifecycle.Contracts;
using Microsoft.Extensions.Options;

namespace Upload.Api.Uploads;

/// <summary>Section <c>Uploads</c>.</summary>
public sealed class UploadOptions
{
    public const string Section = "Uploads";

    /// <summary>The largest file in bytes; a larger one is 413. At most what 10,000 parts hold.</summary>
    [Range(1, 5L << 40, ErrorMessage = "Uploads:MaxBytes must lie between 1 and 5 TiB (5497558138880), S3's largest object.")]
    public long MaxBytes { get; set; } = 20L << 30;

    /// <summary>All sources together in bytes; beyond it uploads are 507. 0: no budget.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "Uploads:BudgetBytes must not be negative; 0 switches the budget off.")]
    public long BudgetBytes { get; set; }

    /// <summary>Uploads that one replica takes at a time; each holds up to three parts in memory. Beyond it: 503 with Retry-After.</summary>
    [Range(1, 1024, ErrorMessage = "Uploads:MaxConcurrent must lie between 1 and 1024.")]
    public int MaxConcurrent { get; set; } = 32;

    /// <summary>Parts of sessions and tus PATCHes that one replica takes at a time; each holds at most two parts, the bytes beyond 8 MiB on disk. Beyond it: 503 with Retry-After.</summary>
    [Range(1, 1024, ErrorMessage = "Uploads:MaxConcurrentParts must lie between 1 and 1024.")]
    public int MaxConcurrentParts { get; set; } = 32;

    /// <summary>How long a resumable upload may take, in hours; afterwards it is gone. A finished one answers for as long again.</summary>
    [Range(0.001, 24 * 30, ErrorMessage = "Uploads:SessionHours must lie between 0.001 and 720 (30 days).")]
    public double SessionHours { get; set; } = 24;

    /// <summary>Open resumable uploads of one account; beyond it 429.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Uploads:MaxSessions must lie between 1 and 1000000.")]
    public int MaxSessions { get; set; } = 1000;

    public TimeSpan SessionLife => TimeSpan.FromHours(SessionHours);

    /// <summary>
    /// Bytes of a part for a body of <paramref name="length"/> bytes: 8 MiB keeps memory small and requests few; more only where
    /// 10,000 parts would not do.
    /// </summary>
    public int PartBytes(long? length)
    {
        const long Usual = 8L << 20;
        var most = Math.Min(length ?? MaxBytes, MaxBytes);
        var needed = (most + Limits.S3MaximumParts - 1) / Limits.S3MaximumParts;
        return (int)Math.Max(Usual, (needed + 0xfffff) & ~0xfffffL);
    }
}

[OptionsValidator]
internal sealed partial class UploadOptionsValidator : IValidateOptions<UploadOptions>;

/// <summary>What seed 004's section <c>transcoder</c> says of uploads.</summary>
public sealed class PartOptions
{
    public const string Section = "transcoder";

    /// <summary>Bytes of a resumable upload's part.</summary>
    [Range(Limits.S3MinimumPartBytes, 512 << 20, ErrorMessage = "transcoder:chunkSize must lie between 5242880, S3's smallest part, and 536870912 (512 MiB).")]
    public int ChunkSize { get; set; } = Limits.S3MinimumPartBytes;

    /// <summary>The configured size, grown in whole MiB so that 10,000 parts are enough.</summary>
    public int PartBytes(long total)
    {
        var needed = (total + Limits.S3MaximumParts - 1) / Limits.S3MaximumParts;
        return needed <= ChunkSize ? ChunkSize : (int)((needed + 0xfffff) & ~0xfffffL);
    }
}

[OptionsValidator]
internal sealed partial class PartOptionsValidator : IValidateOptions<PartOptions>;

/// <summary>Bounds the uploads that this replica takes at a time, and with them its memory.</summary>
public sealed class UploadGate(IOptions<UploadOptions> options) : Gate(options.Value.MaxConcurrent);

/// <summary>Bounds the parts and PATCHes that this replica takes at a time.</summary>
public sealed class PartGate(IOptions<UploadOptions> options) : Gate(options.Value.MaxConcurrentParts);
