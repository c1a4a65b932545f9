using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.State;

namespace LocalHosting.Engine;

/// <summary>Gives every endpoint its ports before anything starts, so that each resource can be told all addresses whatever the order.</summary>
internal static class EndpointAllocator
{
    /// <param name="randomize">Take any free port where the model names one, too.</param>
    public static void Allocate(IEnumerable<IResource> resources, PortBook book, bool randomize)
    {
        foreach (var resource in resources)
        {
            var replicas = Replicas(resource);
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            {
                if (replicas > 1 && (endpoint.TargetPort is not null || !endpoint.IsProxied))
                    throw new DistributedApplicationException(
                        $"Resource '{resource.Name}' uses multiple replicas and {(endpoint.IsProxied ? "has a fixed target port" : "does not use a proxy")} for endpoint '{endpoint.Name}'; each replica needs a port of its own.");
                var name = $"{resource.Name}/{endpoint.Name}";
                endpoint.AllocatedPort = endpoint.Port is { } port && !randomize ? Fixed(port, resource, endpoint) : book.GetFree(name);
                endpoint.ReplicaPorts = replicas > 1 ? [.. Enumerable.Range(0, replicas).Select(i => book.GetFree($"{name}/{i}"))] : [endpoint.AllocatedPort.Value];
            }
        }
    }

    public static int Replicas(IResource resource) => resource.Annotations.OfType<ReplicaAnnotation>().LastOrDefault()?.Replicas ?? 1;

    private static int Fixed(int port, IResource resource, EndpointAnnotation endpoint) => PortBook.IsFree(port)
        ? port
        : throw new DistributedApplicationException(
            $"Port {port}, which '{resource.Name}' wants for its endpoint '{endpoint.Name}', is taken by another program (ss -ltnp 'sport = :{port}' names it). End that, or start with --ephemeral on free ports.");
}
