namespace Smart.Client.Buffering;

/// <summary>Downloaded chunks that wait for their turn. They come in any order and leave in the video's. Thread-safe.</summary>
public sealed class ChunkBuffer(Timeline timeline, ChunkSpan span)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, byte[]> _chunks = [];
    private int _next = span.First;
    private int _contiguous = span.First;
    private long _bytes;

    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Seconds of the video up to which nothing is missing. What lies behind a gap is no playback yet.</summary>
    public double End
    {
        get
        {
            lock (_lock)
            {
                return timeline.StartOf(_contiguous);
            }
        }
    }

    public bool IsComplete
    {
        get
        {
            lock (_lock)
            {
                return _contiguous == span.End;
            }
        }
    }

    public void Put(int index, byte[] bytes)
    {
        lock (_lock)
        {
            _chunks.Add(index, bytes);
            _bytes += bytes.Length;
            while (_chunks.ContainsKey(_contiguous))
            {
                _contiguous++;
            }
        }
    }

    /// <summary>The next chunk in order, once; null while it is not there.</summary>
    public byte[]? Take()
    {
        lock (_lock)
        {
            if (!_chunks.Remove(_next, out var bytes))
            {
                return null;
            }

            _bytes -= bytes.Length;
            _next++;
            return bytes;
        }
    }

    /// <summary>Whether the next chunk is there.</summary>
    public bool HasNext
    {
        get
        {
            lock (_lock)
            {
                return _chunks.ContainsKey(_next);
            }
        }
    }
}
