namespace Lifecycle.Contracts.Storage;

/// <summary>
/// The only source of object keys. Everything of a video stands under one prefix; outputs carry the token of the lease
/// that wrote them, because S3 cannot fence: a zombie's late PUT lands under a key that nobody committed.
/// </summary>
public static class ObjectKeys
{
    public const string AllVideos = "videos/";

    /// <summary>Everything that belongs to the video.</summary>
    public static string Video(Guid videoId) => $"{AllVideos}{videoId:D}/";

    /// <summary>The uploaded bytes, as they came.</summary>
    public static string Source(Guid videoId) => $"{Video(videoId)}source";

    /// <summary>The last bytes of an unfinished upload, too few for a part.</summary>
    /// <param name="videoId">The video that the upload is to be.</param>
    /// <param name="lockToken">The fencing token under which it is written: what a request that lost the lock still writes lies where nobody looks.</param>
    /// <param name="offset">The upload's length with these bytes.</param>
    public static string Tail(Guid videoId, long lockToken, long offset) => $"{Video(videoId)}tail/{lockToken}-{offset}";

    /// <summary>All outputs of all versions.</summary>
    public static string Outputs(Guid videoId) => $"{Video(videoId)}out/";

    /// <summary>What one lease wrote.</summary>
    public static string Lease(Guid videoId, int version, long leaseToken) => $"{Outputs(videoId)}v{version}/{leaseToken}/";

    /// <param name="videoId">The video.</param>
    /// <param name="version">The version that the task works for.</param>
    /// <param name="leaseToken">The fencing token of the lease under which the object is written.</param>
    /// <param name="name">A relative name of letters, digits, <c>- _ . /</c>; it never leaves the lease's prefix.</param>
    /// <exception cref="ArgumentException">The name could leave the prefix.</exception>
    public static string Output(Guid videoId, int version, long leaseToken, string name) => Lease(videoId, version, leaseToken) + Checked(name);

    public const string AllStreams = "live/";

    /// <summary>Everything that belongs to a live stream; removed when it is a video.</summary>
    public static string Stream(string streamId) => $"{AllStreams}{streamId}/";

    /// <summary>What the holder of a session's lease wrote.</summary>
    /// <param name="leaseToken">The fencing token of the session's lease.</param>
    /// <param name="name">As of <see cref="Output"/>.</param>
    /// <exception cref="ArgumentException">The name could leave the prefix.</exception>
    public static string StreamOutput(string streamId, long leaseToken, string name) => $"{Stream(streamId)}{leaseToken}/{Checked(name)}";

    private static string Checked(string name)
    {
        if (name.Length is 0 or > 200 || name.StartsWith('/') || name.Contains("..", StringComparison.Ordinal)
            || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/'))
        {
            throw new ArgumentException($"'{name}' is no object name.", nameof(name));
        }

        return name;
    }
}
