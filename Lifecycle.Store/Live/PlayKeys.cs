using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Lifecycle.Store.Live;

/// <summary>The keys with which workers, and nobody else, play streams from the platform's own ingest: <c>{IngestPullUrl}/{streamId}?key=KEY</c>.</summary>
public sealed class PlayKeys(IOptions<StreamOptions> options)
{
    private readonly byte[]? _key = options.Value.PlaySecret.Length == 0 ? null
        : HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(options.Value.PlaySecret), 32, info: "videoplatform stream-play"u8.ToArray());

    /// <exception cref="InvalidOperationException">Streams:PlaySecret is not set.</exception>
    public string KeyOf(string streamId) => StreamMac.Of(_key ?? throw new InvalidOperationException("Streams:PlaySecret is not set: workers cannot play from the ingest."), streamId);

    /// <summary>The platform's own ingest, as a worker pulls a stream from it.</summary>
    public string PullUrlOf(string streamId) => $"{options.Value.InnerIngestUrl.TrimEnd('/')}/{streamId}?key={KeyOf(streamId)}";

    public bool Fits(string streamId, string key) => _key is not null && StreamMac.Fits(_key, streamId, key);
}
