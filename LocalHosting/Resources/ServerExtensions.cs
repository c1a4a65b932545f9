using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Programs;

namespace Aspire.Hosting;

// Images, variables and endpoints as Aspire gives them: they are what the manifest says, and what the local programs read.

public static class PostgresBuilderExtensions
{
    private const string Image = "library/postgres";
    private const string Tag = "18.3";
    private const int DefaultPort = 5432;

    public static IResourceBuilder<PostgresServerResource> AddPostgres(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<ParameterResource>? userName = null,
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        var passwordParameter = password?.Resource ?? ParameterResourceBuilderExtensions.DefaultPassword(builder, $"{name}-password", special: true);
        var server = new PostgresServerResource(name, userName?.Resource, passwordParameter);
        return builder.AddResource(server)
            .WithAnnotation(new ImageAnnotation("docker.io", Image, Tag))
            .WithEndpoint(port, DefaultPort, name: PostgresServerResource.PrimaryEndpointName)
            .WithEnvironment("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256")
            .WithEnvironment("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=scram-sha-256")
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["POSTGRES_USER"] = server.UserName;
                context.EnvironmentVariables["POSTGRES_PASSWORD"] = server.PasswordParameter;
            })
            .WithAnnotation<HealthProbe>(new PostgresProbe(server));
    }

    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(this IResourceBuilder<PostgresServerResource> builder, string name, string? databaseName = null) =>
        builder.ApplicationBuilder.AddResource(new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource));

    public static IResourceBuilder<PostgresServerResource> WithDataVolume(this IResourceBuilder<PostgresServerResource> builder, string? name = null, bool isReadOnly = false) =>
        builder.WithDefaultVolume(name, "/var/lib/postgresql", isReadOnly);
}

public static class RabbitMQBuilderExtensions
{
    private const string Image = "library/rabbitmq";
    private const string Tag = "4.3";
    private const int DefaultPort = 5672;
    private const int ManagementPort = 15672;

    public static IResourceBuilder<RabbitMQServerResource> AddRabbitMQ(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<ParameterResource>? userName = null,
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        var passwordParameter = password?.Resource ?? ParameterResourceBuilderExtensions.DefaultPassword(builder, $"{name}-password", special: false);
        var server = new RabbitMQServerResource(name, userName?.Resource, passwordParameter);
        return builder.AddResource(server)
            .WithAnnotation(new ImageAnnotation("docker.io", Image, Tag))
            .WithEndpoint(port, DefaultPort, name: RabbitMQServerResource.PrimaryEndpointName)
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["RABBITMQ_DEFAULT_USER"] = server.UserName;
                context.EnvironmentVariables["RABBITMQ_DEFAULT_PASS"] = server.PasswordParameter;
            })
            .WithAnnotation<HealthProbe>(new AmqpProbe(server));
    }

    public static IResourceBuilder<RabbitMQServerResource> WithDataVolume(this IResourceBuilder<RabbitMQServerResource> builder, string? name = null, bool isReadOnly = false) =>
        builder.WithDefaultVolume(name, "/var/lib/rabbitmq", isReadOnly);

    /// <summary>The image with the plugin has the tag with `-management`; locally the plugin is enabled.</summary>
    public static IResourceBuilder<RabbitMQServerResource> WithManagementPlugin(this IResourceBuilder<RabbitMQServerResource> builder) =>
        builder.WithImageTag($"{Tag}-management").WithHttpEndpoint(targetPort: ManagementPort, name: RabbitMQServerResource.ManagementEndpointName);
}
