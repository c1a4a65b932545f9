using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.State;

namespace LocalHosting.Engine;

/// <summary>The files that tell others what runs where: endpoints.json once all is healthy, pids.json always. No secret is in either.</summary>
internal static partial class Notices
{
    /// <summary>
    /// Projects and external endpoints. Replicas, whether of one resource or named NAME-1, NAME-2, are a list under NAME;
    /// each address is the replica's own.
    /// </summary>
    public static SortedDictionary<string, object> Endpoints(IEnumerable<IResource> resources)
    {
        var notices = new SortedDictionary<string, object>(StringComparer.Ordinal);
        foreach (var resource in resources)
        {
            var endpoint = resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => resource is ProjectResource || e.IsExternal);
            if (endpoint is null)
                continue;
            var urls = endpoint.ReplicaPorts.Select(p => Shown(resource, endpoint, $"{endpoint.Scheme}://{LocalAddress.Host}:{p}"));
            var name = Numbered().Match(resource.Name) is { Success: true } match ? match.Groups["name"].Value : resource.Name;
            if (name == resource.Name && EndpointAllocator.Replicas(resource) == 1)
                notices[name] = urls.First();
            else if (notices.TryGetValue(name, out var list))
                ((List<string>)list).AddRange(urls);
            else
                notices[name] = urls.ToList();
        }

        return notices;
    }

    /// <summary>The address as the model wants it shown: some have a path behind the port.</summary>
    private static string Shown(IResource resource, EndpointAnnotation endpoint, string address)
    {
        var url = new ResourceUrlAnnotation { Url = address, Endpoint = new((IResourceWithEndpoints)resource, endpoint.Name) };
        foreach (var annotation in resource.Annotations.OfType<UrlCallbackAnnotation>().Where(a => string.Equals(a.EndpointName, endpoint.Name, StringComparison.OrdinalIgnoreCase)))
            annotation.Callback(url);
        return url.Url;
    }

    /// <summary>For each resource a list with an object per replica: program name to pid, in the order of their start.</summary>
    public static Dictionary<string, List<Dictionary<string, int>>> Pids(IEnumerable<ReplicaRunner> replicas) => replicas
        .GroupBy(r => r.Resource.Name, StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => g.OrderBy(r => r.Replica).Select(r => r.Processes.ToDictionary(p => p.Program, p => p.Pid, StringComparer.Ordinal)).ToList(), StringComparer.Ordinal);

    [GeneratedRegex("^(?<name>.+)-[0-9]+$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Numbered();
}
