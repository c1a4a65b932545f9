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

var postgres = builder.AddPostgres("postgres").WithDataVolume();
var videodb = postgres.AddDatabase("videodb");
var storagedb = postgres.AddDatabase("storagedb");
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

var live = builder.AddLiveStreams(service => service
    .WithReference(videodb).WaitFor(videodb)
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(storage).WaitFor(minio)
    .WithEnvironment("Accounts__Secret", accountSecret));

var chunkStore = builder.AddChunkStore(storagedb, builder.Count("storage-node", 5));

var workers = builder.AddProject<Projects.Processing_Worker>("processing-worker")
    .WithHttpEndpoint(name: "http").WithHttpHealthCheck("/ready")
    .WithReference(videodb).WaitFor(videodb)
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(storage).WaitFor(minio)
    .WithEnvironment("ChunkStore__MetadataUrl", chunkStore.Metadata.GetEndpoint("http"))
    .WithEnvironment(chunkStore.Credential, "ChunkStore__Credential")
    .WithIngest(live)
    .WithReplicas(builder.Count("processing-worker", 2, "transcoder:workerCount"));

var streams = builder.AddReplicas<Projects.Streaming_Api>("streaming-api", builder.Count("streaming-api", 2), service => service
    .WithReference(videodb).WaitFor(videodb)
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(storage).WaitFor(minio)
    .WithEnvironment("ChunkStore__MetadataUrl", chunkStore.Metadata.GetEndpoint("http")));

builder.AddContainer("gateway", "nginx", "1.29-alpine")
    .WithBindMount("gateway.conf.template", "/etc/nginx/templates/default.conf.template", isReadOnly: true)
    .WithUpstream("UPLOAD_API", uploads)
    .WithUpstream("PROCESSING_WORKER", [workers])
    .WithUpstream("STREAMING_API", streams)
    .WithUpstream("LIVE_API", [live.Api])
    .WithUpstream("STORAGE_METADATA", [chunkStore.Metadata])
    .WithEnvironment("GATEWAY_CACHE", builder.Configuration["GATEWAY_CACHE"] is "off" ? "off" : "segments")
    .WithHttpEndpoint(port: 8080, targetPort: 8080)
    .WithHttpEndpoint(port: 8084, targetPort: 8084, name: "uploader")
    .WithHttpHealthCheck("/health")
    .WithExternalHttpEndpoints();

builder.Build().Run();
