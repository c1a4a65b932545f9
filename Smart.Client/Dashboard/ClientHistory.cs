using Microsoft.Extensions.Options;

namespace Smart.Client.Dashboard;

/// <summary>One second of the client.</summary>
/// <param name="At">Unix seconds.</param>
/// <param name="ThroughputMbps">Of all nodes, over the second before.</param>
public sealed record ClientSample(long At, double LevelSeconds, double BufferHealthPercent, double ThroughputMbps, int ActiveDownloads, IReadOnlyDictionary<string, double> NodeScores);

/// <summary>The last samples, oldest first; as many as the settings say. Thread-safe.</summary>
public sealed class ClientHistory(IOptions<SmartClientOptions> options)
{
    private readonly int _most = options.Value.HistorySamples;
    private readonly Lock _lock = new();
    private readonly Queue<ClientSample> _samples = new();

    public IReadOnlyList<ClientSample> Samples
    {
        get
        {
            lock (_lock)
            {
                return [.. _samples];
            }
        }
    }

    public void Add(ClientSample sample)
    {
        lock (_lock)
        {
            if (_samples.Count == _most)
            {
                _samples.Dequeue();
            }

            _samples.Enqueue(sample);
        }
    }
}
