using Lifecycle.Contracts.Live;

namespace Live.Api.Orchestration;

/// <summary>What a step came to: one of the table's outcomes, or not yet.</summary>
/// <param name="Outcome">Null: not yet.</param>
/// <param name="Reason">Of an outcome, for people; of a try that did not do, for the log.</param>
/// <param name="Until">When to look again; null with no outcome: after the retries' delay, and an attempt is spent.</param>
internal readonly record struct StepResult(StepOutcome? Outcome, string? Reason, DateTime? Until)
{
    public static StepResult Success { get; } = new(StepOutcome.Success, null, null);

    public static StepResult Ready { get; } = new(StepOutcome.Ready, null, null);

    public static StepResult Failure(string reason) => new(StepOutcome.Failure, reason, null);

    public static StepResult Failed(string reason) => new(StepOutcome.Failed, reason, null);

    public static StepResult Timeout(string reason) => new(StepOutcome.Timeout, reason, null);

    /// <summary>Nothing is wrong: its time has not come.</summary>
    public static StepResult Wait(DateTime until) => new(null, null, until);

    /// <summary>Something is away that may come back.</summary>
    public static StepResult Retry(string reason) => new(null, reason, null);
}
