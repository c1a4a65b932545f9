using Lifecycle.Store;
using Lifecycle.Store.Accounts;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Upload.Api.Accounts;

public static class AccountServices
{
    public static IServiceCollection AddAccounts(this IServiceCollection services)
    {
        services.AddAccountAuthentication();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, AccountJson.Default));
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, UserJson.Default));
        services.AddSingleton<IPasswordHasher<User>, PasswordHasher<User>>();
        services.AddSingleton<AbsentUser>();
        return services.AddHostedService<AdminAccount>();
    }
}

/// <summary>A hash to compare with where there is no account, so that a login takes as long as with one.</summary>
internal sealed class AbsentUser(IPasswordHasher<User> hasher)
{
    public string PasswordHash { get; } = hasher.HashPassword(null!, Guid.NewGuid().ToString());
}

/// <summary>Makes the configured first admin where the address has no account. Every replica tries; one succeeds.</summary>
internal sealed partial class AdminAccount(UserStore users, IPasswordHasher<User> hasher, IOptions<AccountOptions> options, TimeProvider time, ILogger<AdminAccount> logger) : BackgroundService
{
    private static readonly TimeSpan _again = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value is not { AdminEmail: { Length: > 0 } email, AdminPassword: { Length: > 0 } password })
        {
            return;
        }

        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await users.CreateAsync(email, hasher.HashPassword(null!, password), Role.Admin, stoppingToken) is not null)
                {
                    Log.Made(logger, email);
                }

                return;
            }
            catch (Exception exception) when (Outages.IsOutage(exception))
            {
                await Task.Delay(_again, time, stoppingToken);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Admin account {Email} made")]
        public static partial void Made(ILogger logger, string email);
    }
}
