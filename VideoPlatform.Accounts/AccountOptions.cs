using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace VideoPlatform.Accounts;

/// <summary>Section <c>Accounts</c>.</summary>
public sealed class AccountOptions
{
    public const string Section = "Accounts";

    /// <summary>What tokens and default API keys are derived from; the same in every replica. Changing it ends all of them.</summary>
    [Required(ErrorMessage = "Accounts:Secret is not set. The AppHost generates it; elsewhere set 32 or more random characters."),
     MinLength(32, ErrorMessage = "Accounts:Secret needs at least 32 characters.")]
    public string Secret { get; set; } = "";

    /// <summary>How long a login's token holds, in minutes.</summary>
    [Range(1, 60 * 24 * 30, ErrorMessage = "Accounts:TokenMinutes must lie between 1 and 43200 (30 days).")]
    public int TokenMinutes { get; set; } = 24 * 60;

    /// <summary>The first admin's address. Made at start where it has no account; never changed afterwards. Empty: no admin.</summary>
    public string AdminEmail { get; set; } = "";

    /// <summary>The first admin's password; needed with <see cref="AdminEmail"/>, at least 8 characters.</summary>
    public string AdminPassword { get; set; } = "";
}

[OptionsValidator]
internal sealed partial class AccountOptionsValidator : IValidateOptions<AccountOptions>;
