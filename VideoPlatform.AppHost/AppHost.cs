// The platform as a diagram: what runs, and who needs whom. The same file runs on Aspire's containers and on LocalHosting's plain processes.
//
// Tests start it through Aspire's testing API; a test project refers to VideoPlatform.AppHost and writes:
//   var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.VideoPlatform_AppHost>(["--Replicas:streaming-api=3"], ct);
//   await using var app = await builder.BuildAsync(ct);
//   await app.StartAsync(ct);
//   await app.ResourceNotifications.WaitForResourceHealthyAsync("gateway", ct);
//   using var http = app.CreateHttpClient("gateway", "http");
// LocalHosting/README.md says how to stop, kill and restart single resources.
using VideoPlatform.AppHost;

var builder = DistributedApplication.CreateBuilder(args);

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

var accountSecret = builder.AddParameter("account-secret", new GenerateParameterDefault { MinLength = 44, Special = false }, secret: true, persist: true);
var uploads = builder.AddReplicas<Projects.Upload_Api>("upload-api", builder.Count("upload-api", 2), service => service
    .WithReference(videodb).WaitFor(videodb)
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(storage).WaitFor(minio)
    .WithEnvironment("Accounts__Secret", accountSecret));

var workers = builder.AddProject<Projects.Processing_Worker>("processing-worker")
    .WithHttpEndpoint(name: "http").WithHttpHealthCheck("/ready")
    .WithReference(videodb).WaitFor(videodb)
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(storage).WaitFor(minio)
    .WithReplicas(builder.Count("processing-worker", 2, "transcoder:workerCount"));

var streams = builder.AddReplicas<Projects.Streaming_Api>("streaming-api", builder.Count("streaming-api", 2), service => service
    .WithReference(videodb).WaitFor(videodb)
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(storage).WaitFor(minio));

builder.AddContainer("gateway", "nginx", "1.29-alpine")
    .WithBindMount("gateway.conf.template", "/etc/nginx/templates/default.conf.template", isReadOnly: true)
    .WithUpstream("UPLOAD_API", uploads)
    .WithUpstream("PROCESSING_WORKER", [workers])
    .WithUpstream("STREAMING_API", streams)
    .WithEnvironment("GATEWAY_CACHE", builder.Configuration["GATEWAY_CACHE"] is "off" ? "off" : "segments")
    .WithHttpEndpoint(port: 8080, targetPort: 8080)
    .WithHttpHealthCheck("/health")
    .WithExternalHttpEndpoints();

builder.Build().Run();
