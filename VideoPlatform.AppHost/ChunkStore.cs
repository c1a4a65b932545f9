namespace VideoPlatform.AppHost;

/// <summary>The chunk store of seed 002: a control plane, nodes with a folder each, and a player with its dashboard.</summary>
/// <param name="Credential">What those who change something must show. Null in run mode, where the store is as open as the seed shows it.</param>
internal sealed record ChunkStore(IResourceBuilder<ProjectResource> Metadata, IResourceBuilder<ParameterResource>? Credential);

internal static class ChunkStoreResources
{
    private const int MetadataPort = 8090;
    private const int PlayerPort = 8888;

    public static ChunkStore AddChunkStore(this IDistributedApplicationBuilder builder, IResourceBuilder<PostgresDatabaseResource> storagedb, int nodes)
    {
        var credential = builder.ExecutionContext.IsPublishMode
            ? builder.AddParameter("node-credential", new GenerateParameterDefault { MinLength = 44, Special = false }, secret: true, persist: true)
            : null;
        var metadata = builder.AddProject<Projects.Storage_Metadata>("storage-metadata").WithHttpEndpoint(port: MetadataPort, name: "http").WithHttpHealthCheck("/ready")
            .WithReference(storagedb).WaitFor(storagedb)
            .WithEnvironment(credential, "Metadata__NodeCredential");
        metadata.WithEnvironment("Metadata__PublicUrl", metadata.GetEndpoint("http"));
        for (var i = 1; i <= nodes; i++)
        {
            var node = builder.AddProject<Projects.Storage_Node>($"storage-node-{i}").WithHttpEndpoint(port: MetadataPort + i, name: "http").WithHttpHealthCheck("/ready");
            node.WithEnvironment("NODE_ID", $"storage-node-{i}").WithEnvironment("NODE_URL", node.GetEndpoint("http"))
                .WithEnvironment("METADATA_SERVICE_URL", metadata.GetEndpoint("http"))
                .WithEnvironment(credential, "Node__Credential");
        }

        builder.AddProject<Projects.Smart_Client>("smart-client").WithHttpEndpoint(port: PlayerPort, name: "http").WithHttpHealthCheck("/health")
            .WithEnvironment("METADATA_SERVICE_URL", metadata.GetEndpoint("http"));
        return new(metadata, credential);
    }

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> service, IResourceBuilder<ParameterResource>? value, string name)
        where T : IResourceWithEnvironment => value is null ? service : service.WithEnvironment(name, value);
}
