namespace Lifecycle.Contracts.Live;

/// <summary>The states of seed 001's StreamLifecycleOrchestrator, in its order.</summary>
public enum WorkflowState
{
    ValidateProvisionRequest,
    PersistProvisionRequest,
    EmitProvisionRequestedEvent,
    ProvisionEncoderInfrastructure,
    ConfigurePlaybackEndpoints,
    AwaitLifecycleConfirmation,
    PublishReadyNotification,
    RecordCompletion,
    HandleProvisionFailure,
    WorkflowSucceeded,
    WorkflowFailed,
}

/// <summary>What a step came to.</summary>
public enum StepOutcome
{
    Started,
    Success,
    Failure,
    Ready,
    Failed,
    Timeout,
}

/// <summary>The only place that names two states of the workflow together.</summary>
public static class ProvisionWorkflow
{
    /// <summary>The machine's name in documents and in its ARN.</summary>
    public const string Name = "StreamLifecycleOrchestrator";

    /// <summary>How long AwaitLifecycleConfirmation waits, by the database's clock.</summary>
    public static readonly TimeSpan ConfirmationWithin = TimeSpan.FromMinutes(15);

    public static StateTable<WorkflowState, StepOutcome> Table { get; } = new(state => state.ToString(),
    [
        new(null, StepOutcome.Started, WorkflowState.ValidateProvisionRequest, "POST /streams"),
        .. Step(WorkflowState.ValidateProvisionRequest, WorkflowState.PersistProvisionRequest),
        .. Step(WorkflowState.PersistProvisionRequest, WorkflowState.EmitProvisionRequestedEvent),
        .. Step(WorkflowState.EmitProvisionRequestedEvent, WorkflowState.ProvisionEncoderInfrastructure),
        .. Step(WorkflowState.ProvisionEncoderInfrastructure, WorkflowState.ConfigurePlaybackEndpoints),
        .. Step(WorkflowState.ConfigurePlaybackEndpoints, WorkflowState.AwaitLifecycleConfirmation),
        new(WorkflowState.AwaitLifecycleConfirmation, StepOutcome.Ready, WorkflowState.PublishReadyNotification, "the encoder's first segments, or PUT /streams"),
        new(WorkflowState.AwaitLifecycleConfirmation, StepOutcome.Failed, WorkflowState.HandleProvisionFailure, "the encoder, or PUT /streams"),
        new(WorkflowState.AwaitLifecycleConfirmation, StepOutcome.Timeout, WorkflowState.HandleProvisionFailure, "orchestrator"),
        .. Step(WorkflowState.PublishReadyNotification, WorkflowState.RecordCompletion),
        .. Step(WorkflowState.RecordCompletion, WorkflowState.WorkflowSucceeded),
        new(WorkflowState.HandleProvisionFailure, StepOutcome.Success, WorkflowState.WorkflowFailed, "orchestrator"),
        new(WorkflowState.HandleProvisionFailure, StepOutcome.Failure, WorkflowState.WorkflowFailed, "orchestrator"),
    ]);

    public static bool IsOver(WorkflowState state) => Table.AllowedIn(state).Count == 0;

    private static IEnumerable<Transition<WorkflowState, StepOutcome>> Step(WorkflowState from, WorkflowState next) =>
    [
        new(from, StepOutcome.Success, next, "orchestrator", "the orchestrator of any replica takes the step again"),
        new(from, StepOutcome.Failure, WorkflowState.HandleProvisionFailure, "orchestrator"),
    ];
}
