using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using LocalHosting.Model;

namespace LocalHosting.Publishing;

/// <summary>The deployment manifest, resource by resource in the order of the model, then what they refer to but the model does not list.</summary>
internal sealed class ManifestWriter(Utf8JsonWriter json, ApplicationBuilder model, string folder)
{
    private readonly List<ParameterResource> _referenced = [];
    private readonly HashSet<string> _uriEncoded = new(StringComparer.Ordinal);

    public void WriteAll()
    {
        json.WriteStartObject();
        json.WriteStartObject("resources");
        foreach (var resource in model.Resources.Where(r => !r.Annotations.OfType<ManifestExclusionAnnotation>().Any()))
            WriteResource(resource);
        foreach (var parameter in _referenced)
        {
            if (!model.Resources.Contains(parameter))
                WriteResource(parameter);
            if (_uriEncoded.Contains(parameter.Name))
                WriteUriEncoded(parameter);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteResource(IResource resource)
    {
        json.WriteStartObject(resource.Name);
        switch (resource)
        {
            case ProjectResource:
                WriteProject(resource);
                break;
            case ContainerResource container:
                WriteContainer(container);
                break;
            case ExecutableResource executable:
                WriteExecutable(executable);
                break;
            case ParameterResource parameter:
                WriteParameter(parameter);
                break;
            case IResourceWithConnectionString connection:
                json.WriteString("type", "value.v0");
                WriteConnectionString(connection);
                break;
            default:
                json.WriteString("error", "This resource does not support generation in the manifest.");
                break;
        }

        json.WriteEndObject();
    }

    private void WriteProject(IResource resource)
    {
        json.WriteString("type", "project.v0");
        json.WriteString("path", RelativePath(resource.Annotations.OfType<ProjectAnnotation>().Last().Project.ProjectPath));
        WriteArgs(resource);
        WriteEnvironment(resource);
        WriteBindings(resource);
    }

    private void WriteContainer(ContainerResource container)
    {
        json.WriteString("type", "container.v0");
        if (container is IResourceWithConnectionString connection)
            WriteConnectionString(connection);
        json.WriteString("image", container.Annotations.OfType<ImageAnnotation>().Last().ToString());
        if (container.Entrypoint is not null)
            json.WriteString("entrypoint", container.Entrypoint);
        WriteArgs(container);
        WriteMounts(container, "bindMounts", isBind: true);
        WriteMounts(container, "volumes", isBind: false);
        WriteEnvironment(container);
        WriteBindings(container);
    }

    private void WriteExecutable(ExecutableResource executable)
    {
        json.WriteString("type", "executable.v0");
        json.WriteString("workingDirectory", RelativePath(executable.WorkingDirectory));
        json.WriteString("command", executable.Command);
        WriteArgs(executable);
        WriteEnvironment(executable);
        WriteBindings(executable);
    }

    private void WriteParameter(ParameterResource parameter)
    {
        json.WriteString("type", "parameter.v0");
        if (parameter.IsConnectionString)
            json.WriteString("connectionString", $"{{{parameter.Name}.inputs.value}}");
        json.WriteString("value", $"{{{parameter.Name}.inputs.value}}");
        json.WriteStartObject("inputs");
        json.WriteStartObject("value");
        json.WriteString("type", "string");
        if (parameter.Secret)
            json.WriteBoolean("secret", value: true);
        if (parameter.Default is not null)
        {
            json.WriteStartObject("default");
            parameter.Default.WriteToManifest(json);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteUriEncoded(ParameterResource parameter)
    {
        json.WriteStartObject(parameter.Name + "-uri-encoded");
        json.WriteString("type", "annotated.string");
        json.WriteString("value", parameter.ValueExpression);
        json.WriteString("filter", "uri");
        json.WriteEndObject();
    }

    private void WriteConnectionString(IResourceWithConnectionString resource)
    {
        Note(resource.ConnectionStringExpression, format: null);
        json.WriteString("connectionString", resource.ConnectionStringExpression.ValueExpression);
    }

    private void WriteArgs(IResource resource)
    {
        var args = resource.Annotations.OfType<ArgsAnnotation>().SelectMany(a => a.Args).ToList();
        if (args.Count == 0)
            return;
        json.WriteStartArray("args");
        foreach (var arg in args)
            json.WriteStringValue(arg);
        json.WriteEndArray();
    }

    private void WriteMounts(ContainerResource resource, string name, bool isBind)
    {
        var mounts = resource.Annotations.OfType<MountAnnotation>().Where(m => m.IsBind == isBind).ToList();
        if (mounts.Count == 0)
            return;
        json.WriteStartArray(name);
        foreach (var mount in mounts)
        {
            json.WriteStartObject();
            json.WriteString(isBind ? "source" : "name", isBind ? RelativePath(mount.Source!) : mount.Source);
            json.WriteString("target", mount.Target);
            json.WriteBoolean("readOnly", mount.IsReadOnly);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteEnvironment(IResource resource)
    {
        var variables = EnvironmentResolver.Collect(resource, model.ExecutionContext, resource.Name, CancellationToken.None);
        if (variables.Count == 0)
            return;
        json.WriteStartObject("env");
        foreach (var (name, value) in variables)
        {
            var source = value is IResourceBuilder<IResource> builder ? builder.Resource : value;
            Note(source, format: null);
            json.WriteString(name, source is IManifestExpressionProvider provider ? provider.ValueExpression : source.ToString());
        }

        json.WriteEndObject();
    }

    private void WriteBindings(IResource resource)
    {
        var endpoints = resource.Annotations.OfType<EndpointAnnotation>().ToList();
        if (endpoints.Count == 0)
            return;
        json.WriteStartObject("bindings");
        foreach (var endpoint in endpoints)
        {
            json.WriteStartObject(endpoint.Name);
            json.WriteString("scheme", endpoint.Scheme);
            json.WriteString("protocol", endpoint.Protocol.ToString().ToLowerInvariant());
            json.WriteString("transport", endpoint.Transport);
            // In a deployment a container's port is the platform's business: the manifest names only ports that differ from the target's.
            if (endpoint.Port is { } port && endpoint.Port != endpoint.TargetPort)
                json.WriteNumber("port", port);
            if (endpoint.TargetPort is { } target)
                json.WriteNumber("targetPort", target);
            if (endpoint.IsExternal)
                json.WriteBoolean("external", value: true);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>Remembers the parameters that a value refers to.</summary>
    private void Note(object value, string? format)
    {
        switch (value)
        {
            case ParameterResource parameter:
                if (!_referenced.Contains(parameter))
                    _referenced.Add(parameter);
                if (format == "uri")
                    _uriEncoded.Add(parameter.Name);
                break;
            case ReferenceExpression expression:
                foreach (var (hole, holeFormat) in expression.Holes)
                    Note(hole, holeFormat);
                break;
        }
    }

    private string RelativePath(string path) => Path.GetRelativePath(folder, path).Replace('\\', '/');
}
