using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;
using VideoPlatform.ServiceDefaults;

namespace Live.Api.Streams;

/// <summary>Checks the body of POST /streams against its schema and against what the platform can do with it.</summary>
internal sealed partial class StreamRequestReader(IngestUrls urls)
{
    public const int LongestTitle = 140;

    /// <summary>An encoder has one input and goes through them in their order.</summary>
    public const int MostEndpoints = 8;

    /// <returns>What is wrong, or null.</returns>
    public MessageResult? Read(JsonElement body, out StreamRequest request)
    {
        Issues issues = new();
        var hasId = issues.Requires(body, "streamId", "streamId", out var id);
        var hasTitle = issues.Requires(body, "title", "title", out var title);
        var hasStart = issues.Requires(body, "startTime", "startTime", out var start);
        issues.Requires(body, "ingestEndpoints", "ingestEndpoints", out var endpoints);

        var streamId = hasId ? ReadId(id, issues) : "";
        var name = hasTitle && issues.ReadsText(title, "title", LongestTitle, out var text) ? text : "";
        var startTime = hasStart ? ReadStart(start, issues) : default;
        var inputs = ReadEndpoints(endpoints, streamId, issues);
        var metadata = ReadMetadata(body, issues);
        issues.RefuseOthers(body, "", "streamId", "title", "startTime", "ingestEndpoints", "metadata");

        request = null!;
        if (issues.Count > 0)
        {
            return issues.ToResult();
        }

        request = CanonicalRequest.Of(streamId, name, startTime, inputs, metadata);
        return null;
    }

    /// <summary>The rules of an id, for PUT too.</summary>
    internal static string ReadId(JsonElement value, Issues issues)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            issues.Add("streamId must be a string.");
            return "";
        }

        var id = value.GetString()!;
        if (StreamIds.IsValid(id))
        {
            return id;
        }

        issues.Add(StreamIds.LooksLikeVideo(id) ? "streamId must not look like a UUID." : $"streamId must match {StreamIds.Pattern}.");
        return "";
    }

    private static DateTimeOffset ReadStart(JsonElement value, Issues issues)
    {
        // The pattern is RFC 3339's; the parser alone would take more. A leap second is the next minute's first.
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } text && DateTimePattern().IsMatch(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var start))
        {
            return start.ToUniversalTime();
        }

        issues.Add("startTime must be an RFC 3339 date-time.");
        return default;
    }

    private List<IngestEndpoint> ReadEndpoints(JsonElement value, string streamId, Issues issues)
    {
        List<IngestEndpoint> endpoints = [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            issues.Add("ingestEndpoints must be a non-empty list.");
        }
        else if (value.GetArrayLength() > MostEndpoints)
        {
            issues.Add($"ingestEndpoints must have at most {MostEndpoints} entries.");
        }
        else
        {
            var index = 0;
            foreach (var item in value.EnumerateArray())
            {
                if (ReadEndpoint(item, $"ingestEndpoints[{index++}]", streamId, issues) is { } endpoint)
                {
                    endpoints.Add(endpoint);
                }
            }
        }

        return endpoints;
    }

    private IngestEndpoint? ReadEndpoint(JsonElement item, string path, string streamId, Issues issues)
    {
        if (item.ValueKind != JsonValueKind.Object)
        {
            issues.Add($"{path} must be an object.");
            return null;
        }

        var before = issues.Count;
        var protocol = issues.Requires(item, "protocol", $"{path}.protocol", out var given) ? ReadProtocol(given, path, issues) : "";
        var kept = issues.Requires(item, "url", $"{path}.url", out var url) ? ReadUrl(url, $"{path}.url", streamId, protocol, issues) : "";
        var backup = item.TryGetProperty("backupUrl", out var second) ? ReadUrl(second, $"{path}.backupUrl", streamId, protocol, issues) : null;
        issues.RefuseOthers(item, $"{path}.", "protocol", "url", "backupUrl");
        return issues.Count == before ? new(protocol, kept, backup) : null;
    }

    private static string ReadProtocol(JsonElement value, string path, Issues issues)
    {
        if (value.ValueKind == JsonValueKind.String && IngestUrls.Protocols.Contains(value.GetString()!, StringComparer.Ordinal))
        {
            return value.GetString()!;
        }

        issues.Add($"{path}.protocol must be one of {string.Join(", ", IngestUrls.Protocols)}.");
        return "";
    }

    private string ReadUrl(JsonElement value, string path, string streamId, string protocol, Issues issues)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            issues.Add($"{path} must be a string.");
        }
        else if (protocol.Length > 0) // without one an address cannot be judged
        {
            if (urls.Refusal(streamId, protocol, value.GetString()!, out var kept) is not { } refusal)
            {
                return kept;
            }

            issues.Add($"{path} {refusal}");
        }

        return "";
    }

    private static SortedDictionary<string, string> ReadMetadata(JsonElement body, Issues issues)
    {
        SortedDictionary<string, string> metadata = new(StringComparer.Ordinal);
        if (!body.TryGetProperty("metadata", out var value))
        {
            return metadata;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            issues.Add("metadata must be an object.");
            return metadata;
        }

        if (value.GetPropertyCount() > StreamMetadata.MostEntries)
        {
            issues.Add($"metadata must have at most {StreamMetadata.MostEntries} entries.");
            return metadata;
        }

        foreach (var member in value.EnumerateObject())
        {
            var path = $"metadata.{Issues.Shown(member.Name)}";
            if (member.Name.Length > StreamMetadata.LongestKey || member.Name.Any(char.IsControl))
            {
                issues.Add($"{path} must be named with at most {StreamMetadata.LongestKey} characters, none of them a control character.");
            }
            else if (issues.ReadsText(member.Value, path, StreamMetadata.LongestValue, out var text))
            {
                metadata.Add(member.Name, text);
                if (member.Name.Trim() == StreamMetadata.Entitlement && string.IsNullOrWhiteSpace(text))
                {
                    issues.Add($"{path} must not be blank: leave it out to let everybody watch.");
                }
            }
        }

        if (metadata.Sum(pair => pair.Key.Length + pair.Value.Length) > StreamMetadata.MostChars)
        {
            issues.Add($"metadata must have at most {StreamMetadata.MostChars} characters in all.");
        }

        return metadata;
    }

    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})\z", RegexOptions.None, 1000)]
    private static partial Regex DateTimePattern();
}
