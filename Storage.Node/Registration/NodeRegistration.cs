using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Storage.Node.Registration;

/// <param name="AcceptorId">Beside the documented ones: whose promises this node keeps.</param>
public sealed record RegistrationBody(string NodeUrl, string NodeId, string Version, string AcceptorId);

public sealed record HeartbeatBody(double DiskUsagePercent, int ChunkCount);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RegistrationBody))]
[JsonSerializable(typeof(HeartbeatBody))]
internal sealed partial class RegistrationJson : JsonSerializerContext;

/// <summary>Tells the metadata service where this node is and that it lives. The node serves without it: it only is not found.</summary>
public sealed partial class NodeRegistration : BackgroundService
{
    private const string Version = "1.0.0";

    private static readonly TimeSpan _within = TimeSpan.FromSeconds(4);

    private readonly NodeStore _store;
    private readonly NodeOptions _options;
    private readonly IServer _server;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly ILogger<NodeRegistration> _logger;
    private readonly HttpClient _http;
    private bool _isKnown;
    private bool _isFailing;

    public NodeRegistration(NodeStore store, IOptions<NodeOptions> options, IServer server, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<NodeRegistration> logger)
    {
        (_store, _options, _server, _lifetime, _time, _logger) = (store, options.Value, server, lifetime, time, logger);
        _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2) })
        {
            Timeout = _within,
            MaxResponseContentBufferSize = 64 << 10,
        };
        if (!string.IsNullOrEmpty(_options.Credential))
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _options.Credential);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _http.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (string.IsNullOrEmpty(_options.MetadataServiceUrl))
        {
            return;
        }

        var metadata = _options.MetadataServiceUrl.TrimEnd('/');
        await ListeningAsync(stoppingToken);
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(_options.HeartbeatSeconds), _time);
        do
        {
            try
            {
                await TellAsync(metadata, stoppingToken);
                _isFailing = false;
            }
            catch (Exception exception) when (exception is HttpRequestException || (exception is OperationCanceledException && !stoppingToken.IsCancellationRequested))
            {
                Failed(metadata, exception.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task TellAsync(string metadata, CancellationToken ct)
    {
        if (!_isKnown)
        {
            RegistrationBody registration = new(Url(), _store.Identity.NodeId, Version, _store.Identity.AcceptorId);
            using var registered = await _http.PostAsJsonAsync($"{metadata}/nodes/register", registration, RegistrationJson.Default.RegistrationBody, ct);
            registered.EnsureSuccessStatusCode();
            _isKnown = true;
            Log.Registered(_logger, registration.NodeId, registration.NodeUrl, metadata);
        }

        HeartbeatBody heartbeat = new(Math.Round(Math.Clamp(_store.Log.UsedPercent(), 0, 100), 2), _store.Log.ChunkCount);
        using var answer = await _http.PostAsJsonAsync($"{metadata}/nodes/{Uri.EscapeDataString(_store.Identity.NodeId)}/heartbeat", heartbeat, RegistrationJson.Default.HeartbeatBody, ct);
        _isKnown = answer.StatusCode != HttpStatusCode.NotFound;
        if (!_isKnown)
        {
            Log.Forgotten(_logger, metadata);
            return;
        }

        answer.EnsureSuccessStatusCode();
    }

    private void Failed(string metadata, string reason)
    {
        if (!_isFailing)
        {
            Log.Unreachable(_logger, metadata, reason);
        }

        _isFailing = true;
    }

    private Task ListeningAsync(CancellationToken ct)
    {
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        return started.Task.WaitAsync(ct);
    }

    private string Url()
    {
        var url = _options.NodeUrl ?? _server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        return url.Replace("//[::]", "//localhost", StringComparison.Ordinal).Replace("//0.0.0.0", "//localhost", StringComparison.Ordinal).TrimEnd('/');
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Registered as {NodeId} at {NodeUrl} with {Metadata}")]
        public static partial void Registered(ILogger logger, string nodeId, string nodeUrl, string metadata);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Metadata} does not know this node any more: it registers again")]
        public static partial void Forgotten(ILogger logger, string metadata);

        [LoggerMessage(Level = LogLevel.Warning, Message = "No word to {Metadata}, tried again until it works: {Reason}")]
        public static partial void Unreachable(ILogger logger, string metadata, string reason);
    }
}
