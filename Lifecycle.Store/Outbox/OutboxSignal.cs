namespace Lifecycle.Store.Outbox;

/// <summary>Tells this process's relay that a transaction with outbox rows has committed.</summary>
public sealed class OutboxSignal : Signal;
