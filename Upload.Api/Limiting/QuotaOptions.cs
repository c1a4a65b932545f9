using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Upload.Api.Limiting;

/// <summary>Section <c>quota</c>; the names are seed 004's.</summary>
public sealed class QuotaOptions
{
    public const string Section = "quota";

    /// <summary>Videos a day of an account that has no quota of its own. 0: no quota.</summary>
    [Range(0, int.MaxValue, ErrorMessage = "quota:defaultDailyLimit must not be negative; 0 switches the quota off.")]
    public int DefaultDailyLimit { get; set; } = 100;

    /// <summary>The hour, UTC, at which a day begins.</summary>
    [Range(0, 23, ErrorMessage = "quota:resetHour must lie between 0 and 23 (UTC).")]
    public int ResetHour { get; set; }
}

[OptionsValidator]
internal sealed partial class QuotaOptionsValidator : IValidateOptions<QuotaOptions>;
