using Lifecycle.Contracts;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Webhooks;
using Microsoft.Extensions.Options;

namespace Upload.Api.Webhooks;

/// <summary>
/// Sends what is due. One loop claims and records, with one connection to the database; the sending goes on beside it, bounded
/// over all and for each webhook. A claim is a lease: of a replica that dies, or is stopped for too long, another one sends the
/// deliveries again under the same ids.
/// </summary>
public sealed partial class WebhookDispatcher(
    DeliveryQueue queue, WebhookSender sender, WebhookSignal signal, FaultPoints faults, IOptions<WebhookOptions> options, WebhookMetrics metrics, TimeProvider time, ILogger<WebhookDispatcher> logger)
    : BackgroundService
{
    /// <summary>How often is looked for deliveries that no signal announced: retries, and those of other processes.</summary>
    private static readonly TimeSpan _poll = TimeSpan.FromSeconds(1);

    /// <summary>What a lease has beyond the timeout: for the wait before it is sent, and for its recording.</summary>
    private static readonly TimeSpan _margin = TimeSpan.FromSeconds(15);

    /// <summary>At the end, for those that are being sent; what is not done then is given back.</summary>
    private static readonly TimeSpan _finishWithin = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan _giveBackWithin = TimeSpan.FromSeconds(2);

    /// <summary>No receiver puts a delivery off for longer.</summary>
    private static readonly TimeSpan _longestRetryAfter = TimeSpan.FromHours(12);

    private readonly CancellationTokenSource _abort = new();

    /// <summary>What this replica has claimed and not yet recorded; only the loop touches it.</summary>
    private readonly Dictionary<ClaimedDelivery, Task<DeliveryOutcome?>> _sending = new(ReferenceEqualityComparer.Instance);

    public override void Dispose()
    {
        _abort.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await PassApartAsync(stoppingToken);
                await signal.WaitAsync(_poll, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Its end.
        }

        await FinishAsync();
    }

    private async Task PassApartAsync(CancellationToken ct)
    {
        try
        {
            await RecordAsync(ct);
            while (await ClaimAsync(ct) > 0)
            {
                // Until nothing is due, or no place is free: one claim looks at a part of what is due.
            }
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            Log.Waiting(logger, exception.Message);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            Log.PassFailed(logger, exception);
        }
    }

    /// <returns>How many deliveries it began to send.</returns>
    private async Task<int> ClaimAsync(CancellationToken ct)
    {
        var free = options.Value.MaxConcurrent - _sending.Count;
        if (free <= 0)
        {
            return 0;
        }

        var claimedAt = time.GetTimestamp();
        var perWebhook = _sending.Keys.GroupBy(delivery => delivery.WebhookId).ToDictionary(group => group.Key, group => group.Count());
        var claimed = await queue.ClaimAsync(perWebhook, options.Value.MaxConcurrentPerWebhook, free, options.Value.Timeout + _margin, ct);
        foreach (var delivery in claimed)
        {
            _sending.Add(delivery, DeliverAsync(delivery, claimedAt, _abort.Token));
        }

        return claimed.Count;
    }

    /// <returns>Null when it was not sent, or not to the end.</returns>
    private async Task<DeliveryOutcome?> DeliverAsync(ClaimedDelivery delivery, long claimedAt, CancellationToken ct)
    {
        try
        {
            await faults.PassAsync(FaultPoint.WebhookBeforeSend, ct);
            if (time.GetElapsedTime(claimedAt) > _margin)
            {
                return null; // this process was stopped meanwhile: the lease could run out before the answer is there
            }

            var outcome = OutcomeOf(delivery, await sender.SendAsync(delivery, ct));
            await faults.PassAsync(FaultPoint.WebhookAfterSend, ct);
            return outcome;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception exception)
        {
            Log.SendFailed(logger, exception, delivery.Id, delivery.WebhookId);
            return OutcomeOf(delivery, new(null, null, "The delivery could not be sent.", time.GetElapsedTime(claimedAt)));
        }
        finally
        {
            signal.Set(); // to record it, and to fill its place
        }
    }

    private DeliveryOutcome OutcomeOf(ClaimedDelivery delivery, SendResult result)
    {
        var delay = options.Value.DelayAfter(delivery.Attempt);
        var trigger = result switch
        {
            { Error: null } => DeliveryTrigger.Accepted,
            { Status: StatusCodes.Status410Gone } => DeliveryTrigger.ReceiverGone,
            _ => delay is null ? DeliveryTrigger.Exhausted : DeliveryTrigger.Refused,
        };
        var wait = trigger == DeliveryTrigger.Refused ? Max(Jitter(delay!.Value), Min(result.RetryAfter ?? TimeSpan.Zero, _longestRetryAfter)) : TimeSpan.Zero;
        return new(delivery, trigger, wait, result.Status, (int)result.Took.TotalMilliseconds, result.Error);
    }

    /// <summary>Writes down what has been sent. While the database is away it stays here, and its places stay taken.</summary>
    private async Task RecordAsync(CancellationToken ct)
    {
        List<ClaimedDelivery> ended = [.. _sending.Where(pair => pair.Value.IsCompleted).Select(pair => pair.Key)];
        List<DeliveryOutcome> outcomes = [];
        List<ClaimedDelivery> unsent = [];
        foreach (var delivery in ended)
        {
            if (await _sending[delivery] is { } outcome)
            {
                outcomes.Add(outcome);
            }
            else
            {
                unsent.Add(delivery);
            }
        }

        try
        {
            await RecordAsync(outcomes, ct);
            Forget(outcomes.Select(outcome => outcome.Delivery));
            if (unsent.Count > 0)
            {
                await queue.ReleaseAsync(unsent, ct);
                Forget(unsent);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException && !Outages.IsOutage(exception))
        {
            Forget(ended); // in vain for ever: their leases run out and they are sent once more
            throw;
        }
    }

    private async Task RecordAsync(List<DeliveryOutcome> outcomes, CancellationToken ct)
    {
        if (outcomes.Count == 0)
        {
            return;
        }

        var disabled = await queue.RecordAsync(outcomes, options.Value.DisablePolicy, ct);
        foreach (var outcome in outcomes)
        {
            metrics.Attempted(outcome.Trigger.ToString().ToLowerInvariant(), outcome.LatencyMs);
            if (outcome.Trigger != DeliveryTrigger.Accepted)
            {
                Log.NotAccepted(logger, outcome.Delivery.Event, outcome.Delivery.Id, outcome.Delivery.WebhookId, outcome.Delivery.Attempt, outcome.Error);
            }
        }

        foreach (var webhook in disabled)
        {
            metrics.Disabled();
            Log.Disabled(logger, webhook.Id, webhook.Reason);
        }
    }

    private void Forget(IEnumerable<ClaimedDelivery> deliveries)
    {
        foreach (var delivery in deliveries)
        {
            _sending.Remove(delivery);
        }
    }

    /// <summary>The end: waits for what is being sent, breaks the rest off, records or gives back all of it.</summary>
    private async Task FinishAsync()
    {
        var all = Task.WhenAll(_sending.Values);
        await Task.WhenAny(all, Task.Delay(_finishWithin, time, CancellationToken.None));
        await _abort.CancelAsync();
        await all;
        try
        {
            using CancellationTokenSource within = new(_giveBackWithin, time);
            await RecordAsync(within.Token);
        }
        catch (Exception exception)
        {
            Log.NotGivenBack(logger, exception.Message, _sending.Count);
        }
    }

    /// <summary>10 % to either side, so that what failed together does not come back together.</summary>
    private static TimeSpan Jitter(TimeSpan delay) => delay * (0.9 + (Random.Shared.NextDouble() / 5));

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "{Event} {DeliveryId} was not accepted by webhook {WebhookId} in attempt {Attempt}: {Reason}")]
        public static partial void NotAccepted(ILogger logger, string @event, Guid deliveryId, Guid webhookId, int attempt, string? reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Webhook {WebhookId} is switched off: {Reason}")]
        public static partial void Disabled(ILogger logger, Guid webhookId, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The webhook dispatcher waits for the database: {Reason}")]
        public static partial void Waiting(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "A pass of the webhook dispatcher failed; the next one comes")]
        public static partial void PassFailed(ILogger logger, Exception exception);

        [LoggerMessage(Level = LogLevel.Error, Message = "Delivery {DeliveryId} to webhook {WebhookId} failed unexpectedly")]
        public static partial void SendFailed(ILogger logger, Exception exception, Guid deliveryId, Guid webhookId);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The webhook dispatcher ended without recording {Count} deliveries, which are sent again: {Reason}")]
        public static partial void NotGivenBack(ILogger logger, string reason, int count);
    }
}
