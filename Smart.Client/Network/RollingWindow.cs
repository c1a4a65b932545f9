namespace Smart.Client.Network;

/// <summary>The last values of something, at most as many as its capacity. Its owner guards it.</summary>
public sealed class RollingWindow(int capacity)
{
    private readonly Queue<double> _values = new(capacity);

    public int Count => _values.Count;

    public void Add(double value)
    {
        if (_values.Count == capacity)
        {
            _values.Dequeue();
        }

        _values.Enqueue(value);
    }

    /// <summary>Summed anew each time: a running sum would drift, and there are at most twenty values.</summary>
    public double Mean(double whenEmpty) => _values.Count == 0 ? whenEmpty : _values.Sum() / _values.Count;

    public double MeanOfLast(int count, double whenEmpty)
    {
        var last = Math.Min(count, _values.Count);
        return last == 0 ? whenEmpty : _values.Skip(_values.Count - last).Sum() / last;
    }
}
