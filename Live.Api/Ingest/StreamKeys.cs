using Lifecycle.Store.Live;
using Microsoft.Extensions.Options;
using VideoPlatform.Accounts;

namespace Live.Api.Ingest;

/// <summary>The keys with which broadcasters push. Only a stream's owner is told it.</summary>
public sealed class StreamKeys(IOptions<AccountOptions> accounts, IOptions<StreamOptions> streams)
{
    private readonly byte[] _key = Credentials.Derive(accounts.Value.Secret, "stream-key");

    public string KeyOf(string streamId) => StreamMac.Of(_key, streamId);

    public bool Fits(string streamId, string key) => StreamMac.Fits(_key, streamId, key);

    /// <summary>Where the stream is pushed to, with its key. Null where the platform has no ingest of its own.</summary>
    public string? PushUrlOf(string streamId) => streams.Value.IngestUrl is { Length: > 0 } ingest ? $"{ingest.TrimEnd('/')}/{streamId}?key={KeyOf(streamId)}" : null;
}
