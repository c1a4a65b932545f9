using Microsoft.Extensions.Options;
using VideoPlatform.Accounts;

namespace Live.Api.Streams;

/// <summary>Section <c>Access</c>: what may be done without an account.</summary>
public sealed class AccessOptions
{
    public const string Section = "Access";

    /// <summary>Whether streams may be asked for, changed and read by anybody, as seed 001 shows it. Not set: only in Development.</summary>
    public bool? OpenStreams { get; set; }

    /// <summary>Somebody who means to be known and is not, or nobody where that does not do.</summary>
    public bool Refuses(HttpRequest request, Caller? caller) => Caller.IsRefused(request, caller) || (caller is null && OpenStreams != true);

    /// <summary>Whether a stream of this owner is the caller's to read and to change; to all others it does not exist.</summary>
    /// <param name="ownerId">Null: somebody without an account asked for it, while all were open; whoever may ask now stands for him.</param>
    public bool MayUse(Caller? caller, Guid? ownerId) => caller is { IsAdmin: true } || (ownerId is null ? OpenStreams == true : caller?.UserId == ownerId);
}

/// <summary>What the environment decides where the settings do not.</summary>
internal sealed class AccessDefaults(IHostEnvironment environment) : IPostConfigureOptions<AccessOptions>
{
    public void PostConfigure(string? name, AccessOptions options) => options.OpenStreams ??= environment.IsDevelopment();
}
