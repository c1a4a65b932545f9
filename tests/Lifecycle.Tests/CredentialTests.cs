using System.Buffers.Text;
using System.Text;
using Lifecycle.Store.Accounts;
using Microsoft.Extensions.Options;
using VideoPlatform.Accounts;
using Xunit;

namespace Lifecycle.Tests;

public sealed class CredentialTests
{
    private static readonly User _user = new(Guid.CreateVersion7(), "a@example.com", "", Role.User, 1);

    [Fact]
    public void A_token_holds_for_its_time_and_only_as_it_was_signed()
    {
        Clock clock = new();
        var credentials = Make(clock);
        var token = credentials.TokenFor(_user);
        Assert.Equal(_user.Id.ToString(), credentials.Read(token)!.Sub);

        var parts = token.Split('.');
        var admin = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1])).Replace("User", "Admin", StringComparison.Ordinal)));
        var unsigned = Base64Url.EncodeToString("""{"alg":"none","typ":"JWT"}"""u8);
        Assert.All((string[])["", "..", $"{parts[0]}.{admin}.{parts[2]}", $"{unsigned}.{parts[1]}.", $"{unsigned}.{parts[1]}.{parts[2]}", $"{token}.", token[..^1], $"{token}A"], forged => Assert.Null(credentials.Read(forged)));
        Assert.Null(Make(clock, "another secret, as long as it has to be").Read(token));

        clock.Now += TimeSpan.FromMinutes(59);
        Assert.NotNull(credentials.Read(token));
        clock.Now += TimeSpan.FromMinutes(1);
        Assert.Null(credentials.Read(token));
    }

    [Fact]
    public void A_default_key_names_its_account_and_version()
    {
        var credentials = Make(new());
        var key = credentials.DefaultApiKeyOf(_user);
        Assert.Equal(key, credentials.DefaultApiKeyOf(_user));
        Assert.Equal((_user.Id, 1), credentials.ReadDefaultApiKey(key));
        Assert.NotEqual(key, credentials.DefaultApiKeyOf(_user with { ApiKeyVersion = 2 }));
        var parts = key.Split('.');
        Assert.All((string[])["", key[..^1], $"{parts[0]}.{parts[1]}.2.{parts[3]}", $"{parts[0]}.{Guid.NewGuid():N}.1.{parts[3]}"], forged => Assert.Null(credentials.ReadDefaultApiKey(forged)));
    }

    private static Credentials Make(Clock clock, string secret = "a secret for tests, long enough for this") => new(Options.Create(new AccountOptions { Secret = secret, TokenMinutes = 60 }), clock);

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
