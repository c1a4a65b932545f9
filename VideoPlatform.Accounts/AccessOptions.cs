using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace VideoPlatform.Accounts;

/// <summary>Section <c>Access</c>: what may be done without an account.</summary>
public sealed class AccessOptions
{
    public const string Section = "Access";

    /// <summary>Whether <c>POST /upload</c> takes files of nobody (seed 000). Not set: only in Development.</summary>
    public bool? OpenUpload { get; set; }

    /// <summary>Whether streams may be asked for, changed and read by anybody, as seed 001 shows it. Not set: only in Development.</summary>
    public bool? OpenStreams { get; set; }

    public bool RefusesUpload(HttpRequest request, Caller? caller) => Refuses(request, caller, OpenUpload);

    public bool RefusesStreams(HttpRequest request, Caller? caller) => Refuses(request, caller, OpenStreams);

    /// <summary>Whether a stream of this owner is the caller's to read and to change; to all others it does not exist.</summary>
    /// <param name="ownerId">Null: somebody without an account asked for it, while all were open; whoever may ask now stands for him.</param>
    public bool MayUseStream(Caller? caller, Guid? ownerId) => caller is { IsAdmin: true } || (ownerId is null ? OpenStreams == true : caller?.UserId == ownerId);

    /// <summary>Somebody who means to be known and is not, or nobody where that does not do.</summary>
    private static bool Refuses(HttpRequest request, Caller? caller, bool? isOpen) => Caller.IsRefused(request, caller) || (caller is null && isOpen != true);
}

public static class AccessServices
{
    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.AddOptions<AccessOptions>().BindConfiguration(AccessOptions.Section);
        return services.AddSingleton<IPostConfigureOptions<AccessOptions>, AccessDefaults>();
    }
}

/// <summary>What the environment decides where the settings do not.</summary>
internal sealed class AccessDefaults(IHostEnvironment environment) : IPostConfigureOptions<AccessOptions>
{
    public void PostConfigure(string? name, AccessOptions options)
    {
        options.OpenUpload ??= environment.IsDevelopment();
        options.OpenStreams ??= environment.IsDevelopment();
    }
}
