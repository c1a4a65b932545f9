using Microsoft.Extensions.Options;

namespace Upload.Api.Accounts;

/// <summary>Section <c>Access</c>: what may be done without an account.</summary>
public sealed class AccessOptions
{
    public const string Section = "Access";

    /// <summary>Whether <c>POST /upload</c> takes files of nobody (seed 000). Not set: only in Development.</summary>
    public bool? OpenUpload { get; set; }

    /// <summary>Somebody who means to be known and is not, or nobody where that does not do.</summary>
    public bool RefusesUpload(HttpRequest request, Caller? caller) => Caller.IsRefused(request, caller) || (caller is null && OpenUpload != true);
}

/// <summary>What the environment decides where the settings do not.</summary>
internal sealed class AccessDefaults(IHostEnvironment environment) : IPostConfigureOptions<AccessOptions>
{
    public void PostConfigure(string? name, AccessOptions options) => options.OpenUpload ??= environment.IsDevelopment();
}
