namespace Upload.Api;

/// <summary>Bounds what this replica has open of one kind.</summary>
/// <param name="most">Places in all.</param>
public abstract class Gate(int most)
{
    private int _inside;

    /// <summary>A place, given back when disposed; null where none is free.</summary>
    public IDisposable? TryEnter()
    {
        if (Interlocked.Increment(ref _inside) <= most)
        {
            return new Place(this);
        }

        Interlocked.Decrement(ref _inside);
        return null;
    }

    private sealed class Place(Gate gate) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                Interlocked.Decrement(ref gate._inside);
            }
        }
    }
}
