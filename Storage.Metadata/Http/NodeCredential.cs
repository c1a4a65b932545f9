using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata.Http;

/// <summary>Lets only those change anything who know the secret that nodes and writers share; where none is set, everybody.</summary>
internal sealed class NodeCredential(IOptions<MetadataOptions> options) : IEndpointFilter
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? _expected = options.Value is { Open: false, NodeCredential: { } credential } ? SHA256.HashData(Encoding.UTF8.GetBytes(credential)) : null;

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        if (_expected is null || Knows(context.HttpContext.Request.Headers.Authorization.ToString()))
        {
            return await next(context);
        }

        context.HttpContext.Response.Headers.WWWAuthenticate = "Bearer"; // RFC 9110, 15.5.2
        return new DetailResult(StatusCodes.Status401Unauthorized, "This needs the node credential: send Authorization: Bearer CREDENTIAL.");
    }

    /// <summary>Compares digests: their comparison takes as long whatever was sent.</summary>
    private bool Knows(string authorization) => authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(authorization[Scheme.Length..].Trim())), _expected);
}
