using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalHosting.Model;

/// <summary>The connection string of a resource; one that is missing is an error unless the reference is optional.</summary>
internal sealed class ConnectionStringReference(IResourceWithConnectionString resource, bool optional) : IValueProvider, IManifestExpressionProvider
{
    public string ValueExpression => $"{{{resource.Name}.connectionString}}";

    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var value = await resource.GetConnectionStringAsync(cancellationToken);
        return !string.IsNullOrEmpty(value) || optional
            ? value
            : throw new DistributedApplicationException($"The connection string for the resource '{resource.Name}' is not available.");
    }
}
