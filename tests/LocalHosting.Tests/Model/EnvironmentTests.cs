using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using LocalHosting.Model;
using LocalHosting.State;
using Xunit;

namespace LocalHosting.Tests.Model;

public sealed class EnvironmentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_reference_to_a_database_gives_the_connection_string_and_its_parts()
    {
        var builder = Create("--Parameters:postgres-password=p{}w");
        var database = builder.AddPostgres("postgres").AddDatabase("videodb");
        var variables = await VariablesAsync(builder, builder.AddContainer("web", "nginx").WithReference(database));
        var port = variables["VIDEODB_PORT"];
        Assert.Equal($"Host=127.0.0.1;Port={port};Username=postgres;Password=p{{}}w;Database=videodb", variables["ConnectionStrings__videodb"]);
        Assert.Equal("127.0.0.1", variables["VIDEODB_HOST"]);
        Assert.Equal("postgres", variables["VIDEODB_USERNAME"]);
        Assert.Equal("p{}w", variables["VIDEODB_PASSWORD"]);
        Assert.Equal("videodb", variables["VIDEODB_DATABASENAME"]);
        Assert.Equal($"postgresql://postgres:p%7B%7Dw@127.0.0.1:{port}/videodb", variables["VIDEODB_URI"]);
    }

    [Fact]
    public async Task A_reference_to_a_broker_gives_its_uri_and_its_parts()
    {
        var builder = Create("--Parameters:messaging-password=secret");
        var variables = await VariablesAsync(builder, builder.AddContainer("web", "nginx").WithReference(builder.AddRabbitMQ("messaging"), connectionName: "my-broker"));
        Assert.Equal($"amqp://guest:secret@127.0.0.1:{variables["MY_BROKER_PORT"]}", variables["ConnectionStrings__my-broker"]);
        Assert.Equal("guest", variables["MY_BROKER_USERNAME"]);
        Assert.Equal(variables["ConnectionStrings__my-broker"], variables["MY_BROKER_URI"]);
    }

    [Fact]
    public async Task References_to_endpoints_are_services()
    {
        var builder = Create();
        var minio = builder.AddContainer("minio", "minio/minio").WithHttpEndpoint(targetPort: 9000, name: "api");
        var api = builder.AddProject("upload-api", "../Upload.Api/Upload.Api.csproj").WithHttpEndpoint(name: "http");
        var variables = await VariablesAsync(builder, builder.AddContainer("web", "nginx").WithReference(minio.GetEndpoint("api")).WithReference(api));
        Assert.StartsWith("http://127.0.0.1:", variables["services__minio__api__0"], StringComparison.Ordinal);
        Assert.Equal(variables["services__upload-api__http__0"], variables["UPLOAD_API_HTTP"]);
    }

    [Fact]
    public async Task A_connection_string_made_of_parts_is_put_together()
    {
        var builder = Create();
        var key = builder.AddParameter("key", "abc");
        var minio = builder.AddContainer("minio", "minio/minio").WithHttpEndpoint(targetPort: 9000, name: "api");
        var storage = builder.AddConnectionString("storage", ReferenceExpression.Create($"Endpoint={minio.GetEndpoint("api")};AccessKey={key}"));
        var variables = await VariablesAsync(builder, builder.AddContainer("web", "nginx").WithReference(storage));
        Assert.Equal($"Endpoint={minio.GetEndpoint("api").Url};AccessKey=abc", variables["ConnectionStrings__storage"]);
    }

    [Fact]
    public async Task Telemetry_is_configured_only_where_somebody_receives_it()
    {
        var without = Create("--OTEL_EXPORTER_OTLP_ENDPOINT=");
        var silent = await VariablesAsync(without, without.AddProject("api", "../Upload.Api/Upload.Api.csproj"));
        Assert.DoesNotContain("OTEL_SERVICE_NAME", silent.Keys);

        var with = Create("--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", "--AppHost:OtlpApiKey=k", "--environment=Development");
        var told = await VariablesAsync(with, with.AddProject("api", "../Upload.Api/Upload.Api.csproj"), "api-1");
        Assert.Equal("http://127.0.0.1:4318", told["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        Assert.Equal("http/protobuf", told["OTEL_EXPORTER_OTLP_PROTOCOL"]);
        Assert.Equal("x-otlp-api-key=k", told["OTEL_EXPORTER_OTLP_HEADERS"]);
        Assert.Equal("api", told["OTEL_SERVICE_NAME"]);
        Assert.Equal("service.instance.id=api-1", told["OTEL_RESOURCE_ATTRIBUTES"]);
    }

    [Fact]
    public void Replicas_need_ports_of_their_own()
    {
        var builder = Create();
        builder.AddProject("api", "../Upload.Api/Upload.Api.csproj").WithHttpEndpoint(targetPort: 5000, name: "http").WithReplicas(2);
        Assert.Throws<DistributedApplicationException>(() => Allocate(builder));
    }

    [Fact]
    public async Task A_missing_parameter_is_named()
    {
        var builder = Create();
        var parameter = builder.AddParameter("license-key");
        var problem = await Assert.ThrowsAsync<DistributedApplicationException>(() => VariablesAsync(builder, builder.AddContainer("web", "nginx").WithEnvironment("KEY", parameter)));
        Assert.Contains("Parameters:license-key", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Generated_secrets_persist_in_a_file_for_their_owner_only()
    {
        var first = Create().AddParameter("secret", new GenerateParameterDefault { MinLength = 22, Special = false }, secret: true, persist: true).Resource.Value;
        var second = Create().AddParameter("secret", new GenerateParameterDefault { MinLength = 22, Special = false }, secret: true, persist: true).Resource.Value;
        Assert.Equal(first, second);
        Assert.True(first.Length >= 22 && first.All(char.IsAsciiLetterOrDigit));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder.Path, "secrets.json")));
    }

    private IDistributedApplicationBuilder Create(params string[] args) => Models.Create([.. args, "--state", _folder.Path]);

    private void Allocate(IDistributedApplicationBuilder builder)
    {
        using var ports = new PortBook(Path.Combine(_folder.Path, "ports.json"));
        EndpointAllocator.Allocate(builder.Resources, ports, randomize: true);
    }

    private async Task<IReadOnlyDictionary<string, string>> VariablesAsync<T>(IDistributedApplicationBuilder builder, IResourceBuilder<T> resource, string? replicaId = null)
        where T : IResource
    {
        Allocate(builder);
        return await EnvironmentResolver.ResolveAsync(resource.Resource, builder.ExecutionContext, replicaId ?? resource.Resource.Name, TestContext.Current.CancellationToken);
    }
}
