using Microsoft.Extensions.Configuration;

namespace VideoPlatform.AppHost;

internal static class Replicas
{
    /// <summary>How many of a service to run: <c>Replicas:NAME</c> from the command line, the environment or appsettings.</summary>
    /// <param name="setting">Another name of it, which a seed gives; <c>Replicas:NAME</c> goes first.</param>
    public static int Count(this IDistributedApplicationBuilder builder, string name, int usual, string? setting = null) =>
        builder.Configuration.GetValue($"Replicas:{name}", setting is null ? usual : builder.Configuration.GetValue(setting, usual));

    /// <summary>Run mode: one named resource per replica, so that the gateway sees each; publish mode: one scalable resource.</summary>
    public static IReadOnlyList<IResourceBuilder<ProjectResource>> AddReplicas<TProject>(
        this IDistributedApplicationBuilder builder, string name, int count, Action<IResourceBuilder<ProjectResource>> configure)
        where TProject : IProjectMetadata, new()
    {
        string[] names = builder.ExecutionContext.IsPublishMode ? [name] : [.. Enumerable.Range(1, count).Select(i => $"{name}-{i}")];
        return
        [
            .. names.Select(replica =>
            {
                var resource = builder.AddProject<TProject>(replica).WithHttpEndpoint(name: "http").WithHttpHealthCheck("/ready");
                configure(resource);
                return resource;
            }),
        ];
    }

    /// <summary>
    /// The body of an nginx upstream, one <c>server</c> line per replica, whatever their number. No replica is ever taken out of the rotation: a dead one
    /// refuses at once and the next is asked, and the 503 of one that has something else cached must not cost it the requests that it can answer.
    /// </summary>
    public static IResourceBuilder<ContainerResource> WithUpstream(
        this IResourceBuilder<ContainerResource> gateway, string variable, IReadOnlyList<IResourceBuilder<ProjectResource>> replicas)
    {
        var servers = ReferenceExpression.Create($"");
        foreach (var replica in replicas)
        {
            servers = ReferenceExpression.Create($"{servers}server {replica.GetEndpoint("http").Property(EndpointProperty.HostAndPort)} max_fails=0; ");
            gateway.WaitFor(replica);
        }

        return gateway.WithEnvironment(variable, servers);
    }
}
