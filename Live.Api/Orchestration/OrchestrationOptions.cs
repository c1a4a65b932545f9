using System.ComponentModel.DataAnnotations;
using Lifecycle.Contracts.Live;
using Microsoft.Extensions.Options;

namespace Live.Api.Orchestration;

/// <summary>Section <c>Streams</c>: what of it only this service needs.</summary>
public sealed class OrchestrationOptions
{
    public const string Section = "Streams";

    /// <summary>How clients know the state machine: a text in the form of an ARN.</summary>
    [Required(ErrorMessage = "Streams:StateMachineArn must not be empty.")]
    public string StateMachineArn { get; set; } = $"arn:aws:states:us-east-1:000000000000:stateMachine:{ProvisionWorkflow.Name}";

    /// <summary>How long AwaitLifecycleConfirmation waits, in seconds. The seed's is 900; tests have less time.</summary>
    [Range(0.1, 86400, ErrorMessage = "Streams:ConfirmationSeconds must lie between 0.1 and 86400.")]
    public double ConfirmationSeconds { get; set; } = ProvisionWorkflow.ConfirmationWithin.TotalSeconds;
}

[OptionsValidator]
internal sealed partial class OrchestrationOptionsValidator : IValidateOptions<OrchestrationOptions>;
