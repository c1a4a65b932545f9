using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Storage.Fabric.Chunks;

namespace Storage.Metadata.Nodes;

/// <summary>
/// Finds the node that an address in a commit means: the registered one, a configured alias, or whoever the address itself names as
/// <c>X-Node-ID</c>. What is stored there is then asked at the registered address, so that a false name gains nothing.
/// </summary>
internal sealed class NodeAddresses
{
    private const int MostRemembered = 4096;

    private static readonly TimeSpan _askAgainAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _askNobodyAgainAfter = TimeSpan.FromSeconds(2);

    private readonly NodeDirectory _directory;
    private readonly NodeClient _client;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, string> _configured = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, (string? NodeId, long At)> _asked = new(StringComparer.OrdinalIgnoreCase);

    public NodeAddresses(NodeDirectory directory, NodeClient client, TimeProvider time, IOptions<MetadataOptions> options)
    {
        (_directory, _client, _time) = (directory, client, time);
        foreach (var alias in options.Value.Aliases)
        {
            var at = alias.LastIndexOf('=');
            if (NodeUrl.TryNormalize(alias[..at].Trim(), out var url))
            {
                _configured[url] = alias[(at + 1)..].Trim();
            }
        }
    }

    /// <summary>Null: nobody knows this address.</summary>
    public async Task<StorageNode?> ResolveAsync(string text, CancellationToken ct)
    {
        if (!NodeUrl.TryNormalize(text, out var url))
        {
            return null;
        }

        var nodes = await _directory.CurrentAsync(ct);
        if (nodes.ByUrl(url) is { } registered)
        {
            return registered;
        }

        return (_configured.GetValueOrDefault(url) ?? await AskedAsync(url, ct)) is { } id ? nodes.ById(id) : null;
    }

    private async ValueTask<string?> AskedAsync(string url, CancellationToken ct)
    {
        if (_asked.TryGetValue(url, out var known) && _time.GetElapsedTime(known.At) < (known.NodeId is null ? _askNobodyAgainAfter : _askAgainAfter))
        {
            return known.NodeId;
        }

        string? id = null;
        try
        {
            id = await _client.PingAsync(url, ct);
        }
        catch (Exception exception) when (NodeClient.IsFailure(exception, ct))
        {
            // Nobody there: remembered too, or each commit that names it would wait again.
        }

        if (_asked.Count >= MostRemembered)
        {
            _asked.Clear();
        }

        _asked[url] = (id, _time.GetTimestamp());
        return id;
    }
}
