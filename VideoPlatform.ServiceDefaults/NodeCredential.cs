using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace VideoPlatform.ServiceDefaults;

/// <summary>What a caller has to know.</summary>
/// <param name="Value">Null or empty: nothing.</param>
public sealed record NodeSecret(string? Value);

/// <summary>Lets only those change anything who know the secret that nodes, the metadata service and writers share; where none is set, everybody.</summary>
public sealed class NodeCredential(NodeSecret secret) : IEndpointFilter
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? _expected = string.IsNullOrEmpty(secret.Value) ? null : DigestOf(secret.Value);

    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (_expected is null || IsRight(http.Request.Headers.Authorization.ToString()))
        {
            return next(context);
        }

        http.Response.Headers.WWWAuthenticate = "Bearer"; // RFC 9110, 15.5.2
        return ValueTask.FromResult<object?>(new DetailResult(StatusCodes.Status401Unauthorized, "This needs the node credential: send Authorization: Bearer CREDENTIAL."));
    }

    private bool IsRight(string header) =>
        header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && CryptographicOperations.FixedTimeEquals(DigestOf(header[Scheme.Length..].Trim()), _expected);

    /// <summary>Of one length, so that the comparison tells nothing of the credential's.</summary>
    private static byte[] DigestOf(string credential) => SHA256.HashData(Encoding.UTF8.GetBytes(credential));
}
