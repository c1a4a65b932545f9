using System.Runtime.CompilerServices;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store;
using Lifecycle.Store.Videos;

namespace Upload.Api.Status;

/// <summary>What a status stream sends: the contract's three fields and no more.</summary>
public sealed record StatusMessage(Guid VideoId, string State, DateTimeOffset Timestamp);

/// <summary>The changes of one video in order, from a snapshot on: the one source of socket and event stream.</summary>
public sealed class StatusFeed(StatusHub hub, VideoStore videos)
{
    /// <summary>Subscribes first and takes the snapshot then, so that nothing falls between them. Null: no such video.</summary>
    public async Task<OpenFeed?> OpenAsync(Guid videoId, CancellationToken ct)
    {
        var subscription = hub.Subscribe(videoId);
        try
        {
            if (await videos.StatusAsync(videoId, ct) is { } snapshot)
            {
                return new(subscription, snapshot, videos);
            }
        }
        catch
        {
            subscription.Dispose();
            throw;
        }

        subscription.Dispose();
        return null;
    }
}

/// <summary>An open feed; ends after READY, FAILED or the video's deletion.</summary>
public sealed class OpenFeed(StatusHub.Subscription subscription, VideoStatus snapshot, VideoStore videos) : IDisposable
{
    public async IAsyncEnumerable<VideoStatus> ReadAsync([EnumeratorCancellation] CancellationToken ct)
    {
        subscription.Seen = snapshot.Sequence;
        yield return snapshot;
        if (VideoLifecycle.EndsStatusStream(snapshot.State))
        {
            yield break;
        }

        await foreach (var change in subscription.Changes.ReadAllAsync(ct))
        {
            foreach (var next in await InOrderAsync(change, ct))
            {
                subscription.Seen = next.Sequence;
                if (next.State != VideoState.Deleted)
                {
                    yield return next;
                }

                if (VideoLifecycle.EndsStatusStream(next.State))
                {
                    yield break;
                }
            }
        }
    }

    public void Dispose() => subscription.Dispose();

    /// <summary>What is new up to and with this change; events may overtake each other, so a gap is filled from the history.</summary>
    private async Task<IReadOnlyList<VideoStatus>> InOrderAsync(VideoStatus change, CancellationToken ct)
    {
        if (change.Sequence <= subscription.Seen)
        {
            return [];
        }

        if (change.Sequence == subscription.Seen + 1)
        {
            return [change];
        }

        try
        {
            return [.. (await videos.ChangesAfterAsync(subscription.VideoId, subscription.Seen, ct)).Where(missed => missed.Sequence <= change.Sequence)];
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            return [change]; // the newest state matters more than the ones between
        }
    }
}
