namespace Streaming.Api.Edge;

/// <summary>
/// Keeps a dead chunk store from costing every miss its patience: after a few failures in a row it is left alone for a while, then one read finds out.
/// </summary>
public sealed class EdgeCircuit(TimeProvider time)
{
    private const int OpensAfter = 3;

    private static readonly TimeSpan _leftAloneFor = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private int _failures;
    private long _askAgainAt;

    /// <summary>False: not now. Whoever gets true says what came of it.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_failures < OpensAfter)
            {
                return true;
            }

            var now = time.GetTimestamp();
            if (now < _askAgainAt)
            {
                return false;
            }

            _askAgainAt = After(now); // the others wait for what this one finds
            return true;
        }
    }

    public void Succeeded()
    {
        lock (_gate)
        {
            _failures = 0;
        }
    }

    /// <returns>True where this was the one that opened it.</returns>
    public bool Failed()
    {
        lock (_gate)
        {
            _askAgainAt = After(time.GetTimestamp());
            return ++_failures == OpensAfter;
        }
    }

    private long After(long now) => now + (long)(_leftAloneFor.TotalSeconds * time.TimestampFrequency);
}
