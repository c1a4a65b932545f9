using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Lifecycle.Store.Webhooks;
using Microsoft.Extensions.Options;

namespace Upload.Api.Webhooks;

/// <param name="Status">Null: no answer.</param>
/// <param name="RetryAfter">What the receiver asks for with 429 or 503.</param>
/// <param name="Error">For the webhook's owner; null when the receiver accepted.</param>
public sealed record SendResult(int? Status, TimeSpan? RetryAfter, string? Error, TimeSpan Took);

/// <summary>
/// One attempt: signs and posts the payload's bytes as they are, and says what came of it. Redirects are not followed, no
/// proxy, no cookies; an answer's body is not read beyond what keeps its connection usable.
/// </summary>
public sealed class WebhookSender : IDisposable
{
    private const string UserAgent = "VideoPlatform-Webhooks/1.0";

    private static readonly MediaTypeHeaderValue _json = new("application/json");

    private readonly HttpMessageInvoker _http;
    private readonly WebhookSecrets _secrets;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;

    public WebhookSender(WebhookTargets targets, WebhookSecrets secrets, IOptions<WebhookOptions> options, TimeProvider time)
    {
        (_secrets, _time, _timeout) = (secrets, time, options.Value.Timeout);
        _http = new(new SocketsHttpHandler
        {
            ConnectCallback = targets.ConnectAsync,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null, // no span of the client's own, which would carry the url: the dispatcher's names the host
            MaxConnectionsPerServer = options.Value.MaxConcurrent,
            MaxResponseHeadersLength = 16, // KiB
            MaxResponseDrainSize = 4096,
            ResponseDrainTimeout = TimeSpan.FromSeconds(2),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2), // then the name is looked up and checked again
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        });
    }

    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled; the receiver may have got it.</exception>
    public async Task<SendResult> SendAsync(ClaimedDelivery delivery, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        if (_secrets.Decrypt(delivery.WebhookId, delivery.Secret) is not { } secret)
        {
            return new(null, null, "The webhook's secret cannot be read any more. Set it again.", TimeSpan.Zero);
        }

        using var activity = StartActivity(delivery);
        using CancellationTokenSource timeout = new(_timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try
        {
            using var request = Request(delivery, secret);
            using var answer = await _http.SendAsync(request, both.Token);
            activity?.SetTag("http.response.status_code", (int)answer.StatusCode);
            return new((int)answer.StatusCode, RetryAfter(answer), Error(answer), _time.GetElapsedTime(started));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Failed(string.Create(CultureInfo.InvariantCulture, $"No answer within {_timeout.TotalSeconds:0.###} s."));
        }
        catch (HttpRequestException exception)
        {
            return Failed(Reason(exception));
        }

        SendResult Failed(string error)
        {
            activity?.SetStatus(ActivityStatusCode.Error, error);
            return new(null, null, error, _time.GetElapsedTime(started));
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(ClaimedDelivery delivery, string secret)
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        HttpRequestMessage request = new(HttpMethod.Post, delivery.Url) { Content = new ByteArrayContent(delivery.Payload) { Headers = { ContentType = _json } } };
        request.Headers.Add("User-Agent", UserAgent);
        request.Headers.Add("X-Webhook-Event", delivery.Event);
        request.Headers.Add("X-Webhook-Signature", WebhookSignature.Seed(delivery.Payload, secret));
        request.Headers.Add("webhook-id", delivery.Id.ToString());
        request.Headers.Add("webhook-timestamp", now.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", WebhookSignature.Standard(delivery.Id, now, delivery.Payload, secret));
        return request;
    }

    private static string? Error(HttpResponseMessage answer) => (int)answer.StatusCode switch
    {
        >= 200 and < 300 => null,
        >= 300 and < 400 and var status => $"The receiver answered {status}: redirects are not followed.",
        var status => $"The receiver answered {status}.",
    };

    private TimeSpan? RetryAfter(HttpResponseMessage answer) => answer.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable
        ? answer.Headers.RetryAfter?.Delta ?? (answer.Headers.RetryAfter?.Date - _time.GetUtcNow())
        : null;

    /// <summary>Never the exception's own words: they may name addresses of ours.</summary>
    private static string Reason(HttpRequestException exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case RefusedTargetException:
                    return cause.Message;
                case SocketException socket:
                    return $"The connection failed: {socket.SocketErrorCode}.";
            }
        }

        return $"The request failed: {exception.HttpRequestError}.";
    }

    private static Activity? StartActivity(ClaimedDelivery delivery)
    {
        var parent = ActivityContext.TryParse(delivery.TraceParent, null, out var told) ? told : default;
        var activity = WebhookMetrics.Source.StartActivity($"deliver {delivery.Event}", ActivityKind.Client, parent);
        activity?.SetTag("webhook.id", delivery.WebhookId);
        activity?.SetTag("webhook.delivery.id", delivery.Id);
        activity?.SetTag("server.address", new Uri(delivery.Url).Host);
        return activity;
    }
}
