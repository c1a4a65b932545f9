using Storage.Fabric.Chunks;

namespace Smart.Client.Downloads;

/// <summary>One chunk's download: which node was asked first, and what came of its transfers. Thread-safe.</summary>
/// <param name="firstNode">Null for a coded chunk, of which several are asked at once.</param>
internal sealed class Download(string? firstNode)
{
    private readonly Lock _lock = new();
    private bool _firstGave;
    private bool _firstWasSeen;
    private int _failed;

    public void Observe(TransferSample sample)
    {
        lock (_lock)
        {
            if (sample.NodeUrl == firstNode)
            {
                _firstWasSeen = true;
                _firstGave |= sample.Succeeded;
            }

            _failed += sample.Succeeded ? 0 : 1;
        }
    }

    /// <summary>Of a chunk that came in the end: how often another node had to step in, for one that failed or one that was too slow.</summary>
    public int Failovers
    {
        get
        {
            lock (_lock)
            {
                return Math.Max(_failed, firstNode is not null && !_firstGave ? 1 : 0);
            }
        }
    }

    /// <summary>The first node neither gave it nor failed: another was sooner.</summary>
    public bool FirstWasOvertaken
    {
        get
        {
            lock (_lock)
            {
                return firstNode is not null && !_firstWasSeen;
            }
        }
    }
}
