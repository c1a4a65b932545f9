using System.Net;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Distribution;

/// <summary>Takes videos out of the chunk store. A row of one stays until that has worked: it is asked again.</summary>
public sealed partial class VideoRemoval(MetadataClient metadata, ILogger<VideoRemoval> logger)
{
    /// <param name="ids">The chunk store's videos, in an order that changes, so that those that it refuses do not keep the others waiting.</param>
    /// <param name="forget">Called with each that is gone.</param>
    /// <exception cref="HttpRequestException">The chunk store is away: the rest would wait for it in vain.</exception>
    public async Task RemoveAsync(IReadOnlyList<Guid> ids, Func<Guid, CancellationToken, Task> forget, CancellationToken ct)
    {
        foreach (var id in ids)
        {
            try
            {
                await metadata.DeleteVideoAsync(id, ct);
            }
            catch (HttpRequestException refusal) when (refusal.StatusCode is not (null or HttpStatusCode.ServiceUnavailable))
            {
                Log.Refused(logger, id, refusal.Message);
                continue;
            }

            await forget(id, ct);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Video {VideoId} stays in the chunk store for now: {Reason}")]
        public static partial void Refused(ILogger logger, Guid videoId, string reason);
    }
}
