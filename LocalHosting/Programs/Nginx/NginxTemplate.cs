using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using LocalHosting.Model;

namespace LocalHosting.Programs;

/// <summary>A configuration that is written for nginx in a container: its entry point fills in variables, the engine maps ports.</summary>
internal static partial class NginxTemplate
{
    public const string Server = "/usr/sbin/nginx";

    /// <summary>Of this package or of `nginx`, which it brings.</summary>
    public static RequiredFile RequiredServer { get; } = new(Server, "nginx-light");

    /// <summary>envsubst as the images call it: <c>$NAME</c> and <c>${NAME}</c>, only for variables that are defined; nginx's own stay.</summary>
    public static string Fill(string template, IReadOnlyDictionary<string, string> variables) => Variable().Replace(template, match =>
        variables.TryGetValue(match.Groups["name"].Value, out var value) ? value : match.Value);

    /// <summary>In the container a port is mapped; here the configuration itself is told which one it is, on loopback.</summary>
    public static string Listen(string configuration, ReplicaContext context) => context.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.TargetPort is not null)
        .Aggregate(configuration, (text, endpoint) => Regex.Replace(
            text,
            string.Create(CultureInfo.InvariantCulture, $@"(?m)^(\s*listen\s+)(?:[\w.*]+:)?{endpoint.TargetPort}\b"),
            string.Create(CultureInfo.InvariantCulture, $"${{1}}{LocalAddress.Host}:{context.Port(endpoint)}"),
            RegexOptions.None,
            TimeSpan.FromSeconds(1)));

    [GeneratedRegex(@"\$(?:\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?<name>[A-Za-z_][A-Za-z0-9_]*))", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Variable();
}
