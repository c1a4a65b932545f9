using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Programs;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() => Add(builder, name, new TProject(), launchProfileName: null);

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new() => Add(builder, name, new TProject(), launchProfileName);

    public static IResourceBuilder<ProjectResource> AddProject(this IDistributedApplicationBuilder builder, string name, string projectPath) =>
        Add(builder, name, new ProjectPathMetadata(Path.GetFullPath(projectPath, builder.AppHostDirectory)), launchProfileName: null);

    public static IResourceBuilder<ProjectResource> AddProject(this IDistributedApplicationBuilder builder, string name, string projectPath, string? launchProfileName) =>
        Add(builder, name, new ProjectPathMetadata(Path.GetFullPath(projectPath, builder.AppHostDirectory)), launchProfileName);

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 0);
        return builder.WithAnnotation(new ReplicaAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);
    }

    private static IResourceBuilder<ProjectResource> Add(IDistributedApplicationBuilder builder, string name, IProjectMetadata project, string? launchProfileName)
    {
        var resource = builder.AddResource(new ProjectResource(name)).WithAnnotation(new ProjectAnnotation(project, launchProfileName));
        var profile = LaunchProfile.Read(project.ProjectPath, launchProfileName);
        resource.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory").WithOtlpExporter();
        return builder.ExecutionContext.IsPublishMode ? resource.WithPublishDefaults(profile) : resource.WithRunDefaults(profile);
    }

    private static IResourceBuilder<ProjectResource> WithRunDefaults(this IResourceBuilder<ProjectResource> builder, LaunchProfile profile)
    {
        // https needs a development certificate; the services are on loopback behind the gateway.
        foreach (var url in profile.ApplicationUrls.Where(u => u.Scheme == Uri.UriSchemeHttp))
            builder.WithHttpEndpoint(port: url.Port);
        return builder.WithEnvironment(context =>
        {
            foreach (var (name, value) in profile.EnvironmentVariables)
                context.EnvironmentVariables.TryAdd(name, value);
        });
    }

    /// <summary>
    /// Published web projects have an http and an https endpoint. Ports are told for the endpoints that the model names, not for the default https:
    /// TLS ends before it.
    /// </summary>
    private static IResourceBuilder<ProjectResource> WithPublishDefaults(this IResourceBuilder<ProjectResource> builder, LaunchProfile profile)
    {
        builder.WithEnvironment(context =>
        {
            var endpoints = context.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.Transport is "http").ToList();
            if (endpoints.Count == 0)
                return;
            context.EnvironmentVariables["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
            foreach (var (scheme, variable) in new[] { ("http", "HTTP_PORTS"), ("https", "HTTPS_PORTS") })
            {
                var ports = endpoints.Where(e => e.Scheme == scheme && !e.IsPublishDefault)
                    .Select(e => new EndpointReference((IResourceWithEndpoints)context.Resource, e.Name).Property(EndpointProperty.TargetPort));
                if (Join(ports) is { } value)
                    context.EnvironmentVariables[variable] = value;
            }
        });
        if (profile.ApplicationUrls.Count > 0)
        {
            builder.WithHttpEndpoint();
            builder.WithAnnotation(new EndpointAnnotation("https") { Scheme = "https", IsPublishDefault = true });
        }

        return builder;
    }

    private static ReferenceExpression? Join(IEnumerable<EndpointReferenceExpression> ports) => ports.Aggregate(
        (ReferenceExpression?)null,
        (all, port) => all is null ? ReferenceExpression.Create($"{port}") : ReferenceExpression.Create($"{all};{port}"));

    private sealed record ProjectPathMetadata(string ProjectPath) : IProjectMetadata;
}

public static class OtlpConfigurationExtensions
{
    /// <summary>Names the receiver of telemetry, when the AppHost's configuration has one: without it nothing is exported.</summary>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment => builder.WithEnvironment(context =>
        {
            var configuration = builder.ApplicationBuilder.Configuration;
            var endpoint = configuration["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] ?? configuration["DOTNET_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] ?? configuration["OTEL_EXPORTER_OTLP_ENDPOINT"];
            if (context.ExecutionContext.IsPublishMode || string.IsNullOrEmpty(endpoint))
                return;
            var variables = context.EnvironmentVariables;
            variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;
            variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
            variables["OTEL_SERVICE_NAME"] = context.Resource.Name;
            variables["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={context.ReplicaId}";
            if (configuration["AppHost:OtlpApiKey"] is { Length: > 0 } key)
                variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={key}";
            if (!builder.ApplicationBuilder.Environment.IsDevelopment())
                return;
            foreach (var delay in (string[])["OTEL_BLRP_SCHEDULE_DELAY", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL"])
                variables[delay] = "1000";
        });
}
