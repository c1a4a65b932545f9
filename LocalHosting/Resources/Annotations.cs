using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalHosting.Model;

// What the builder methods note on a resource. Order of the list is the order of the calls: later values win.

internal sealed record ProjectAnnotation(IProjectMetadata Project, string? LaunchProfileName) : IResourceAnnotation;

internal sealed record ReplicaAnnotation(int Replicas) : IResourceAnnotation;

internal sealed class ImageAnnotation(string? registry, string image, string? tag) : IResourceAnnotation
{
    public string? Registry { get; set; } = registry;

    public string Image { get; set; } = image;

    public string? Tag { get; set; } = tag;

    public override string ToString() => $"{(Registry is null ? "" : Registry + "/")}{Image}:{Tag ?? "latest"}";
}

internal sealed record MountAnnotation(string? Source, string Target, bool IsBind, bool IsReadOnly) : IResourceAnnotation;

internal sealed record LifetimeAnnotation(ContainerLifetime Lifetime) : IResourceAnnotation;

internal sealed record ArgsAnnotation(IReadOnlyList<string> Args) : IResourceAnnotation;

internal sealed record EnvironmentAnnotation(Action<EnvironmentCallbackContext> Callback) : IResourceAnnotation;

internal enum WaitKind
{
    Started,
    Healthy,
    Completed,
}

internal sealed record WaitAnnotation(IResource Resource, WaitKind Kind, int ExitCode = 0) : IResourceAnnotation;

internal sealed record HealthCheckAnnotation(string Key) : IResourceAnnotation;

internal sealed record ParentAnnotation(IResource Parent) : IResourceAnnotation;

internal sealed record ExplicitStartAnnotation : IResourceAnnotation;

internal sealed record ManifestExclusionAnnotation : IResourceAnnotation;

internal sealed record UrlCallbackAnnotation(string EndpointName, Action<ResourceUrlAnnotation> Callback) : IResourceAnnotation;

/// <summary>One endpoint: what it is called, what it speaks, where the outside sees it and where the program listens.</summary>
internal sealed class EndpointAnnotation(string name) : IResourceAnnotation
{
    public string Name { get; } = name;

    public string Scheme { get; set; } = "tcp";

    public string Host { get; } = LocalAddress.Host;

    public string Transport => Scheme is "http" or "https" ? "http" : "tcp";

    public ProtocolType Protocol { get; set; } = ProtocolType.Tcp;

    /// <summary>The port that clients use; null: any.</summary>
    public int? Port { get; set; }

    /// <summary>The port that the program in its image, or with fixed settings, listens on; null: any.</summary>
    public int? TargetPort { get; set; }

    public bool IsExternal { get; set; }

    public bool IsProxied { get; set; } = true;

    /// <summary>Aspire adds a default https endpoint to published web projects: it is listed, but no port variable names it.</summary>
    public bool IsPublishDefault { get; init; }

    /// <summary>The port chosen on this machine, before anything starts.</summary>
    public int? AllocatedPort { get; set; }

    /// <summary>The ports of the replicas; the resource's own program listens on <see cref="AllocatedPort"/> when there is one replica.</summary>
    public IReadOnlyList<int> ReplicaPorts { get; set; } = [];
}
