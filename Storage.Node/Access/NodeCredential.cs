using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using VideoPlatform.ServiceDefaults;

namespace Storage.Node.Access;

/// <summary>Who may write: the services that know the node credential. Reading is everybody's.</summary>
public sealed class NodeCredential(IOptions<NodeOptions> options) : IEndpointFilter
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? _expected = string.IsNullOrEmpty(options.Value.Credential) ? null : DigestOf(options.Value.Credential);

    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (_expected is null || IsRight(http.Request.Headers.Authorization.ToString()))
        {
            return next(context);
        }

        http.Response.Headers.WWWAuthenticate = "Bearer";
        return ValueTask.FromResult<object?>(new DetailResult(StatusCodes.Status401Unauthorized, "This needs the node credential: send Authorization: Bearer CREDENTIAL."));
    }

    private bool IsRight(string header) =>
        header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && CryptographicOperations.FixedTimeEquals(DigestOf(header[Scheme.Length..].Trim()), _expected);

    /// <summary>Of one length, so that the comparison tells nothing of the credential's.</summary>
    private static byte[] DigestOf(string credential) => SHA256.HashData(Encoding.UTF8.GetBytes(credential));
}
