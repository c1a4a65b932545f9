using Microsoft.Extensions.Configuration;

// Every kind of resource that the platform has, without the platform. --Sample:Servers=false leaves the four servers out.
var builder = DistributedApplication.CreateBuilder(args);

var service = builder.AddProject<Projects.SampleService>("service").WithHttpEndpoint(name: "http").WithHttpHealthCheck("/health").WithReplicas(2);

// A child that leaves its session, as daemons do: only the supervisor finds it.
builder.AddExecutable("daemons", "bash", ".", "-c", "setsid sleep 1000 & setsid bash -c 'sleep 1001; true' & wait");

if (builder.Configuration.GetValue("Sample:Servers", defaultValue: true))
{
    var database = builder.AddPostgres("postgres").WithDataVolume().AddDatabase("sampledb");
    var messaging = builder.AddRabbitMQ("messaging").WithDataVolume().WithManagementPlugin();
    var secret = builder.AddParameter("storage-secret", new GenerateParameterDefault { MinLength = 22, Special = false }, secret: true, persist: true);
    var minio = builder.AddContainer("minio", "minio/minio")
        .WithEnvironment("MINIO_ROOT_USER", "sample")
        .WithEnvironment("MINIO_ROOT_PASSWORD", secret)
        .WithVolume("minio-data", "/data")
        .WithHttpEndpoint(targetPort: 9000, name: "api")
        .WithHttpHealthCheck("/minio/health/ready", endpointName: "api");
    service.WithReference(database).WaitFor(database).WithReference(messaging).WaitFor(messaging).WaitFor(minio);
    builder.AddContainer("gateway", "nginx", "1.29-alpine")
        .WithBindMount("gateway.conf.template", "/etc/nginx/templates/default.conf.template", isReadOnly: true)
        .WithEnvironment("SERVICE", service.GetEndpoint("http").Property(EndpointProperty.HostAndPort))
        .WaitFor(service)
        .WithHttpEndpoint(port: 18080, targetPort: 8080)
        .WithHttpHealthCheck("/health")
        .WithExternalHttpEndpoints();
}

builder.Build().Run();
