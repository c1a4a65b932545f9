using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalHosting.Tests.Model;

/// <summary>
/// The model whose manifest the real Aspire 13.6 has written (Golden/aspire-manifest.json). There, the two web projects had an applicationUrl in
/// their launch profile and the worker had none, which is why Golden/ holds launch profiles.
/// </summary>
internal static class GoldenModel
{
    public static string Root => Path.Combine(AppContext.BaseDirectory, "Golden");

    public static void Add(IDistributedApplicationBuilder builder)
    {
        var videodb = builder.AddPostgres("postgres").WithDataVolume().AddDatabase("videodb");
        var messaging = builder.AddRabbitMQ("messaging").WithDataVolume().WithManagementPlugin();

        var accessKey = builder.AddParameter("storage-access-key", "videoplatform");
        var secretKey = builder.AddParameter("storage-secret-key", new GenerateParameterDefault { MinLength = 22, Special = false }, secret: true, persist: true);
        var minio = builder.AddContainer("minio", "minio/minio", "RELEASE.2025-04-22T22-12-26Z")
            .WithArgs("server", "/data")
            .WithEnvironment("MINIO_ROOT_USER", accessKey)
            .WithEnvironment("MINIO_ROOT_PASSWORD", secretKey)
            .WithVolume("minio-data", "/data")
            .WithHttpEndpoint(targetPort: 9000, name: "api")
            .WithHttpHealthCheck("/minio/health/ready", endpointName: "api");
        var storage = builder.AddConnectionString("storage", ReferenceExpression.Create(
            $"Endpoint={minio.GetEndpoint("api")};AccessKey={accessKey};SecretKey={secretKey}"));

        var uploads = AddReplicas<Upload_Api>(builder, "upload-api", 2, service => service
            .WithReference(videodb).WaitFor(videodb)
            .WithReference(messaging).WaitFor(messaging)
            .WithReference(storage).WaitFor(minio));

        builder.AddProject<Processing_Worker>("processing-worker")
            .WithReference(videodb).WaitFor(videodb)
            .WithReference(messaging).WaitFor(messaging)
            .WithReference(storage).WaitFor(minio)
            .WithReplicas(2);

        var streams = AddReplicas<Streaming_Api>(builder, "streaming-api", 2, service => service
            .WithReference(videodb).WaitFor(videodb)
            .WithReference(messaging).WaitFor(messaging)
            .WithReference(storage).WaitFor(minio));

        WithUpstream(
            WithUpstream(
                builder.AddContainer("gateway", "nginx", "1.29-alpine")
                    .WithBindMount("gateway.conf.template", "/etc/nginx/templates/default.conf.template", isReadOnly: true),
                "UPLOAD_API",
                uploads),
            "STREAMING_API",
            streams)
            .WithHttpEndpoint(port: 8080, targetPort: 8080)
            .WithHttpHealthCheck("/health")
            .WithExternalHttpEndpoints();
    }

    private static IReadOnlyList<IResourceBuilder<ProjectResource>> AddReplicas<TProject>(
        IDistributedApplicationBuilder builder, string name, int count, Action<IResourceBuilder<ProjectResource>> configure)
        where TProject : IProjectMetadata, new()
    {
        string[] names = builder.ExecutionContext.IsPublishMode ? [name] : [.. Enumerable.Range(1, count).Select(i => $"{name}-{i}")];
        return
        [
            .. names.Select(n =>
            {
                var r = builder.AddProject<TProject>(n).WithHttpEndpoint(name: "http").WithHttpHealthCheck("/ready");
                configure(r);
                return r;
            }),
        ];
    }

    private static IResourceBuilder<ContainerResource> WithUpstream(
        IResourceBuilder<ContainerResource> gateway, string variable, IReadOnlyList<IResourceBuilder<ProjectResource>> replicas)
    {
        for (var i = 0; i < replicas.Count; i++)
            gateway.WithEnvironment($"{variable}_{i + 1}", replicas[i].GetEndpoint("http").Property(EndpointProperty.HostAndPort)).WaitFor(replicas[i]);
        return gateway;
    }

    private sealed class Upload_Api : IProjectMetadata
    {
        public string ProjectPath => Path.Combine(Root, "Upload.Api", "Upload.Api.csproj");
    }

    private sealed class Processing_Worker : IProjectMetadata
    {
        public string ProjectPath => Path.Combine(Root, "Processing.Worker", "Processing.Worker.csproj");
    }

    private sealed class Streaming_Api : IProjectMetadata
    {
        public string ProjectPath => Path.Combine(Root, "Streaming.Api", "Streaming.Api.csproj");
    }
}
