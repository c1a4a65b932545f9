namespace Lifecycle.Store.Webhooks;

/// <summary>Tells this process's dispatcher that there are deliveries to send, or room to send more.</summary>
public sealed class WebhookSignal : Signal;
