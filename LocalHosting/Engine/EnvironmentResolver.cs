using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;

namespace LocalHosting.Engine;

/// <summary>Runs a resource's environment callbacks in the order of the model and turns what they set into text.</summary>
internal static class EnvironmentResolver
{
    /// <summary>The variables as the model sets them: strings, value providers and builders of such.</summary>
    public static IReadOnlyDictionary<string, object> Collect(IResource resource, DistributedApplicationExecutionContext execution, string replicaId, CancellationToken ct)
    {
        var context = new EnvironmentCallbackContext(execution, resource, replicaId, ct);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentAnnotation>())
            annotation.Callback(context);
        return context.EnvironmentVariables;
    }

    public static async Task<IReadOnlyDictionary<string, string>> ResolveAsync(IResource resource, DistributedApplicationExecutionContext execution, string replicaId, CancellationToken ct)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in Collect(resource, execution, replicaId, ct))
        {
            if (await TextAsync(value, ct) is { } text)
                values[name] = text;
        }

        return values;
    }

    private static async Task<string?> TextAsync(object value, CancellationToken ct) => value switch
    {
        string text => text,
        IValueProvider provider => await provider.GetValueAsync(ct),
        IResourceBuilder<IResource> { Resource: IValueProvider provider } => await provider.GetValueAsync(ct),
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
    };
}
