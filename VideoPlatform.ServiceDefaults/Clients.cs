using System.Data.Common;
using Amazon.Runtime;
using Amazon.S3;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using RabbitMQ.Client;

namespace VideoPlatform.ServiceDefaults;

/// <summary>The stores' clients by connection name: what the Aspire client integrations do, where these are not to be had.</summary>
public static class Clients
{
    private static readonly TimeSpan _probeWithin = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long a transaction may wait for its process before Postgres ends it. A process that is stopped in the middle of one (SIGSTOP, a suspended
    /// machine) would else keep its locks for as long as it sleeps, and every replica that needs them would wait; shorter than a task's lease.
    /// </summary>
    private static readonly TimeSpan _idleInTransaction = TimeSpan.FromSeconds(10);

    /// <summary>Registers an <see cref="NpgsqlDataSource"/> with at most <paramref name="connections"/> connections, and its health.</summary>
    public static WebApplicationBuilder AddPostgres(this WebApplicationBuilder builder, string name, int connections)
    {
        NpgsqlConnectionStringBuilder settings = new(Required(builder.Configuration, name))
        {
            MaxPoolSize = connections,
            Timeout = 5,
            CommandTimeout = 15,
            KeepAlive = 15,
            MaxAutoPrepare = 64,
            ApplicationName = builder.Environment.ApplicationName,
        };
        settings.Options = $"{settings.Options} -c idle_in_transaction_session_timeout={_idleInTransaction.TotalMilliseconds:0}".TrimStart();
        builder.Services.AddSingleton(_ => new NpgsqlDataSourceBuilder(settings.ConnectionString).Build());
        builder.Services.AddHealthChecks().Add(new(name, services => new Probe(async ct =>
        {
            await using var connection = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(ct);
        }), null, ["ready"], _probeWithin));
        return builder;
    }

    /// <summary>Registers an <see cref="IConnectionFactory"/>. The broker is not part of readiness: without it the platform polls.</summary>
    public static WebApplicationBuilder AddRabbitMQ(this WebApplicationBuilder builder, string name)
    {
        ConnectionFactory factory = new()
        {
            Uri = new Uri(Required(builder.Configuration, name)),
            AutomaticRecoveryEnabled = false, // the Broker class reconnects, and re-reads what was missed meanwhile
            RequestedHeartbeat = TimeSpan.FromSeconds(10),
            ClientProvidedName = builder.Environment.ApplicationName,
        };
        builder.Services.AddSingleton<IConnectionFactory>(factory);
        return builder;
    }

    /// <summary>
    /// Registers an <see cref="IAmazonS3"/> from <c>Endpoint=...;AccessKey=...;SecretKey=...[;Bucket=...]</c>, with settings that
    /// every S3 server takes: path style, checksums only where required.
    /// </summary>
    public static WebApplicationBuilder AddS3(this WebApplicationBuilder builder, string name, Action<string> onBucket)
    {
        DbConnectionStringBuilder parts = new() { ConnectionString = Required(builder.Configuration, name) };
        AmazonS3Config config = new()
        {
            ServiceURL = (string)parts["Endpoint"],
            ForcePathStyle = true,
            AuthenticationRegion = parts.TryGetValue("Region", out var region) ? (string)region : "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            Timeout = TimeSpan.FromSeconds(30),
            MaxErrorRetry = 2,
        };
        builder.Services.AddSingleton<IAmazonS3>(_ => new AmazonS3Client(new BasicAWSCredentials((string)parts["AccessKey"], (string)parts["SecretKey"]), config));
        var bucket = parts.TryGetValue("Bucket", out var named) ? (string)named : "videoplatform";
        onBucket(bucket);
        builder.Services.AddHealthChecks().Add(new(name, services => new Probe(async ct =>
        {
            await services.GetRequiredService<IAmazonS3>().ListObjectsV2Async(new() { BucketName = bucket, MaxKeys = 1 }, ct);
        }), null, ["ready"], _probeWithin));
        return builder;
    }

    private static string Required(ConfigurationManager configuration, string name) => configuration.GetConnectionString(name)
        ?? throw new InvalidOperationException($"ConnectionStrings:{name} is not set. Start the platform with ./run, or set the environment variable ConnectionStrings__{name}.");

    private sealed class Probe(Func<CancellationToken, Task> probe) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                await probe(cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (Exception exception) when (exception is not OperationCanceledException || cancellationToken.IsCancellationRequested)
            {
                return new(context.Registration.FailureStatus, exception.Message);
            }
        }
    }
}
