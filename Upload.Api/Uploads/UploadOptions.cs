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

/// <summary>Bounds the uploads that this replica takes at a time, and with them its memory.</summary>
public sealed class UploadGate(IOptions<UploadOptions> options) : Gate(options.Value.MaxConcurrent);
