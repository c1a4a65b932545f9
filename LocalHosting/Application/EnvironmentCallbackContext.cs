namespace Aspire.Hosting.ApplicationModel;

public class EnvironmentCallbackContext
{
    internal EnvironmentCallbackContext(DistributedApplicationExecutionContext executionContext, IResource resource, string replicaId, CancellationToken cancellationToken)
    {
        ReplicaId = replicaId;
        ExecutionContext = executionContext;
        Resource = resource;
        CancellationToken = cancellationToken;
    }

    /// <summary>Values are strings, value providers or resource builders of such.</summary>
    public Dictionary<string, object> EnvironmentVariables { get; } = [];

    public CancellationToken CancellationToken { get; }

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResource Resource { get; }

    /// <summary>Which replica the variables are for: the resource's name where there is one.</summary>
    internal string ReplicaId { get; }
}
