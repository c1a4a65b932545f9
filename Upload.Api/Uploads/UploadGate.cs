using Microsoft.Extensions.Options;

namespace Upload.Api.Uploads;

/// <summary>Bounds the uploads that this replica takes at a time, and with them its memory.</summary>
public sealed class UploadGate(IOptions<UploadOptions> options)
{
    private int _inside;

    /// <summary>A place, given back when disposed; null where none is free.</summary>
    public IDisposable? TryEnter()
    {
        if (Interlocked.Increment(ref _inside) <= options.Value.MaxConcurrent)
        {
            return new Place(this);
        }

        Interlocked.Decrement(ref _inside);
        return null;
    }

    private sealed class Place(UploadGate gate) : IDisposable
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
