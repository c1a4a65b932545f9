using Lifecycle.Contracts.Live;

namespace Live.Api.OpenApi;

/// <summary>A state of the workflow as seed 001 tells of it.</summary>
/// <param name="Type">Task, Succeed or Fail.</param>
/// <param name="Integration">What stood behind it at the original; empty of a final state.</param>
/// <param name="Emits">Events, by their detail types.</param>
internal sealed record StateDoc(WorkflowState State, string Type, string Description, string Integration = "", params IReadOnlyList<string> Emits);

/// <summary>The words of the table; its moves are <see cref="ProvisionWorkflow.Table"/>'s.</summary>
internal static class StateDocs
{
    private const string Task = "Task";

    public static IReadOnlyList<StateDoc> All { get; } =
    [
        new(WorkflowState.ValidateProvisionRequest, Task, "Validates required fields and normalizes metadata before the workflow progresses.", "arn:aws:states:::lambda:invoke"),
        new(WorkflowState.PersistProvisionRequest, Task, "Stores the request for auditability and to unblock operator dashboards.", "arn:aws:states:::dynamodb:putItem"),
        new(WorkflowState.EmitProvisionRequestedEvent, Task, "Publishes StreamProvisionRequested so ticketing and analytics systems can react immediately.", "arn:aws:states:::events:putEvents",
            StreamProvisionRequested.DetailType),
        new(WorkflowState.ProvisionEncoderInfrastructure, Task, "Reserves slots of the worker pool for the encoder, shortly before startTime.", "arn:aws:states:::aws-sdk:medialive:startChannel"),
        new(WorkflowState.ConfigurePlaybackEndpoints, Task, "Creates the playback entry: public, or with the entitlement that the metadata names.", "arn:aws:states:::aws-sdk:cloudfront:updateDistribution"),
        new(WorkflowState.AwaitLifecycleConfirmation, Task, "Waits up to 15 minutes for the encoder, or PUT /streams, to report READY or FAILED status.", "arn:aws:states:::events:waitForEvent"),
        new(WorkflowState.PublishReadyNotification, Task, "Emits StreamLifecycleProgressed (READY) to fan out to the portal and monitoring tools.", "arn:aws:states:::events:putEvents",
            StreamLifecycleProgressed.DetailType),
        new(WorkflowState.RecordCompletion, Task, "Persists the READY timestamp and reconciles outstanding provisioning metadata.", "arn:aws:states:::dynamodb:updateItem"),
        new(WorkflowState.HandleProvisionFailure, Task, "Captures failure context, emits a FAILED lifecycle event, and notifies on-call operators.", "arn:aws:states:::lambda:invoke",
            StreamLifecycleProgressed.DetailType),
        new(WorkflowState.WorkflowSucceeded, "Succeed", "Terminal success node once playback configuration is confirmed."),
        new(WorkflowState.WorkflowFailed, "Fail", "Terminal failure path reached for validation, provisioning, or confirmation issues."),
    ];

    /// <summary>Only the one that waits has a time of its own.</summary>
    public static int? TimeoutSecondsOf(WorkflowState state) => state == WorkflowState.AwaitLifecycleConfirmation ? (int)ProvisionWorkflow.ConfirmationWithin.TotalSeconds : null;
}
