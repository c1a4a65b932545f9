using System.ComponentModel.DataAnnotations;
using Lifecycle.Store.Accounts;
using Lifecycle.Store.Limiting;
using Microsoft.Extensions.Options;

namespace Upload.Api.Limiting;

/// <summary>A tier of the section <c>ratelimit</c>.</summary>
public sealed class RateLimitTier
{
    public double RequestsPerSecond { get; set; } = 10;

    public int Burst { get; set; } = 20;
}

/// <summary>Section <c>ratelimit</c>; the names are seed 004's.</summary>
public sealed class RateLimitOptions : IValidatableObject
{
    public const string Section = "ratelimit";

    private const double MostPerSecond = 1_000_000;
    private const int MostBurst = 1_000_000;

    /// <summary>Of the tier "default", and of an address.</summary>
    public double RequestsPerSecond { get; set; } = 10;

    /// <summary>Requests that may come at once.</summary>
    public int Burst { get; set; } = 20;

    /// <summary>Failed logins of one account name that are allowed again in a minute, from whatever addresses.</summary>
    [Range(0.01, 60_000, ErrorMessage = "ratelimit:loginsPerMinute must lie between 0.01 and 60000.")]
    public double LoginsPerMinute { get; set; } = 10;

    /// <summary>Failed logins of one account name that may come at once.</summary>
    [Range(1, MostBurst, ErrorMessage = "ratelimit:loginBurst must lie between 1 and 1000000.")]
    public int LoginBurst { get; set; } = 10;

    /// <summary>Limits of the accounts of a tier, by its name; users.tier names one.</summary>
    public Dictionary<string, RateLimitTier> Tiers { get; set; } = new(StringComparer.Ordinal);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var (name, tier) in Tiers.Append(new("", new() { RequestsPerSecond = RequestsPerSecond, Burst = Burst })))
        {
            var setting = name.Length == 0 ? Section : $"{Section}:tiers:{name}";
            if (tier is not { RequestsPerSecond: >= 0.01 and <= MostPerSecond })
            {
                yield return new($"{setting}:requestsPerSecond must lie between 0.01 and {MostPerSecond}.");
            }

            if (tier is not { Burst: >= 1 and <= MostBurst })
            {
                yield return new($"{setting}:burst must lie between 1 and {MostBurst}.");
            }

            if (name.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('-' or '_')))
            {
                yield return new($"{setting}: a tier's name has letters, digits, - and _.");
            }
        }
    }
}

[OptionsValidator]
internal sealed partial class RateLimitOptionsValidator : IValidateOptions<RateLimitOptions>;

/// <summary>The limits by whom they hold for.</summary>
public sealed class RateLimits
{
    private readonly Dictionary<string, RateLimit> _tiers = new(StringComparer.Ordinal);
    private readonly RateLimit _default;

    public RateLimits(IOptions<RateLimitOptions> options)
    {
        var configured = options.Value;
        _default = new(User.DefaultTier, configured.RequestsPerSecond, configured.Burst);
        Address = new("address", configured.RequestsPerSecond, configured.Burst);
        Login = new("login", configured.LoginsPerMinute / 60, configured.LoginBurst);
        _tiers[User.DefaultTier] = _default;
        foreach (var (name, tier) in configured.Tiers)
        {
            _tiers[name] = new(name, tier.RequestsPerSecond, tier.Burst);
        }
    }

    /// <summary>Of one client address, for what comes without an account.</summary>
    public RateLimit Address { get; }

    /// <summary>Of one account name, for logins that fail.</summary>
    public RateLimit Login { get; }

    public IReadOnlyCollection<string> Tiers => _tiers.Keys;

    /// <summary>A tier that is no longer configured has the default's limits.</summary>
    public RateLimit OfTier(string tier) => _tiers.GetValueOrDefault(tier, _default);
}
