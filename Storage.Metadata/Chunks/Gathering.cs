using System.Threading.Channels;

namespace Storage.Metadata.Chunks;

/// <summary>What bounds one batch, beside the items themselves.</summary>
/// <param name="Places">Batches under way at a time: while one waits for a disk, the next one gathers.</param>
/// <param name="MostItems">Of a batch.</param>
/// <param name="MostWeight">Of a batch; the item that goes beyond it is the last.</param>
internal sealed record GatheringBounds(int Places, int MostItems, int MostWeight = int.MaxValue);

/// <summary>
/// Does in batches what many callers want at the same time, so that they share a round trip and an fsync: what finds a place idle is done at
/// once, what comes while all are taken is done together.
/// </summary>
internal sealed class Gathering<TItem, TResult> : IAsyncDisposable
{
    private const int MostWaiting = 4096;

    private readonly Channel<Waiting> _waiting = Channel.CreateBounded<Waiting>(MostWaiting);
    private readonly CancellationTokenSource _stop = new();
    private readonly GatheringBounds _bounds;
    private readonly Func<IReadOnlyList<TItem>, CancellationToken, Task<IReadOnlyList<TResult>>> _work;
    private readonly Func<Exception, bool> _isOfOne;
    private readonly Func<TItem, int> _weightOf;
    private readonly Task _working;

    /// <param name="bounds">Of batches.</param>
    /// <param name="work">Results in the items' order. Its token is that of the service, not of a caller.</param>
    /// <param name="isOfOne">Whether a failure may be a single item's: the others must not suffer for it, so each is then done alone, again.</param>
    /// <param name="weightOf">See <see cref="GatheringBounds.MostWeight"/>.</param>
    public Gathering(
        GatheringBounds bounds, Func<IReadOnlyList<TItem>, CancellationToken, Task<IReadOnlyList<TResult>>> work, Func<Exception, bool>? isOfOne = null, Func<TItem, int>? weightOf = null)
    {
        (_bounds, _work, _isOfOne, _weightOf) = (bounds, work, isOfOne ?? (static _ => false), weightOf ?? (static _ => 0));
        _working = Task.WhenAll(Enumerable.Range(0, bounds.Places).Select(_ => Task.Run(WorkAsync, _stop.Token)));
    }

    /// <summary>Fails as the work fails. A caller who gives up does not take it back: it may be done later, or be done already.</summary>
    public async Task<TResult> DoAsync(TItem item, CancellationToken ct)
    {
        Waiting waiting = new(item);
        await _waiting.Writer.WriteAsync(waiting, ct);
        return await waiting.Result.Task.WaitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _working;
        _stop.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(_stop.Token))
            {
                List<Waiting> batch = [];
                for (var weight = 0; batch.Count < _bounds.MostItems && weight < _bounds.MostWeight && _waiting.Reader.TryRead(out var next); weight += _weightOf(next.Item))
                {
                    batch.Add(next);
                }

                if (batch.Count > 0) // or another place has taken them
                {
                    await WorkAsync(batch);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The service ends; whoever waits has a token of his own.
        }
    }

    private async Task WorkAsync(List<Waiting> batch)
    {
        try
        {
            var results = await _work([.. batch.Select(waiting => waiting.Item)], _stop.Token);
            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].Result.TrySetResult(results[i]);
            }
        }
        catch (Exception exception) when (batch.Count > 1 && _isOfOne(exception))
        {
            foreach (var waiting in batch)
            {
                await WorkAsync([waiting]);
            }
        }
        catch (Exception exception) // whatever it is, those who wait hear of it
        {
            foreach (var waiting in batch)
            {
                waiting.Result.TrySetException(exception);
            }
        }
    }

    private sealed record Waiting(TItem Item)
    {
        public TaskCompletionSource<TResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
