using System.Globalization;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace LocalHosting.Model;

/// <summary>One question to a replica. The answer is null when it is healthy, otherwise what is wrong.</summary>
internal abstract record HealthProbe : IResourceAnnotation
{
    public abstract Task<string?> CheckAsync(ReplicaContext context, Func<string, string> mapPath, IServiceProvider services, CancellationToken ct);
}

internal sealed record HttpProbe(EndpointAnnotation Endpoint, string Path, int StatusCode) : HealthProbe
{
    // Straight to the replica: no proxy, no cookies, and no connection that outlives the program behind it.
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromSeconds(30) });

    public override async Task<string?> CheckAsync(ReplicaContext context, Func<string, string> mapPath, IServiceProvider services, CancellationToken ct)
    {
        var uri = new Uri(string.Create(CultureInfo.InvariantCulture, $"{Endpoint.Scheme}://{LocalAddress.Host}:{context.Port(Endpoint)}{mapPath(Path)}"));
        using var response = await Client.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, ct);
        return (int)response.StatusCode == StatusCode ? null : $"GET {uri} answered {(int)response.StatusCode}, not {StatusCode}";
    }
}

/// <summary>A check that the AppHost has registered with the framework's health checks.</summary>
internal sealed record RegisteredProbe(string Key) : HealthProbe
{
    public override async Task<string?> CheckAsync(ReplicaContext context, Func<string, string> mapPath, IServiceProvider services, CancellationToken ct)
    {
        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync(c => c.Name == Key, ct);
        if (report.Entries.Count == 0)
            return $"no health check '{Key}' is registered";
        return report.Status == HealthStatus.Healthy ? null : $"{Key}: {report.Entries[Key].Description ?? report.Status.ToString()}";
    }
}

internal sealed record PostgresProbe(PostgresServerResource Server) : HealthProbe
{
    public override async Task<string?> CheckAsync(ReplicaContext context, Func<string, string> mapPath, IServiceProvider services, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(await AdminConnectionStringAsync(Server, ct));
        await connection.OpenAsync(ct);
        await using var command = new NpgsqlCommand("select 1", connection);
        await command.ExecuteScalarAsync(ct);
        return null;
    }

    public static async Task<string> AdminConnectionStringAsync(PostgresServerResource server, CancellationToken ct) =>
        await server.ConnectionStringExpression.GetValueAsync(ct) + ";Database=postgres;Pooling=false;Timeout=5;Command Timeout=30";
}

/// <summary>The AMQP greeting: the broker opens its listener last, and answers the protocol header once it takes connections.</summary>
internal sealed record AmqpProbe(RabbitMQServerResource Server) : HealthProbe
{
    private const byte MethodFrame = 1;

    public override async Task<string?> CheckAsync(ReplicaContext context, Func<string, string> mapPath, IServiceProvider services, CancellationToken ct)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(LocalAddress.Host, Server.PrimaryEndpoint.Port, ct);
        await socket.SendAsync("AMQP\0\0\u0009\u0001"u8.ToArray(), ct);
        var answer = new byte[1];
        return await socket.ReceiveAsync(answer, ct) == 1 && answer[0] == MethodFrame ? null : "the port does not answer as an AMQP server";
    }
}
