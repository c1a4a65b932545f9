using System.Globalization;
using Smart.Client.Network;
using Smart.Client.Playback;

namespace Smart.Client.Terminal;

/// <summary>One line about a playback: on a terminal it is written over, elsewhere a new one comes every few seconds.</summary>
internal sealed class ProgressLine(SmartPlayer player, NodeRegistry nodes, TimeProvider time)
{
    private const int MostNodes = 5;

    private static readonly bool _isTerminal = !Console.IsErrorRedirected;

    private readonly Dictionary<string, long> _bytes = new(StringComparer.Ordinal);
    private long _looked = time.GetTimestamp();

    public async Task ShowAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(_isTerminal ? 0.5 : 5), time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                await WriteAsync(isLast: false);
            }
        }
        catch (OperationCanceledException)
        {
            await WriteAsync(isLast: true);
        }
    }

    /// <summary><c>00:12 / 01:00  buffer 28.5 s healthy  node 45.2 Mbit/s ...</c></summary>
    public static string Format(PlaybackReading playback, IEnumerable<(string Node, double Mbps)> rates)
    {
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{Clock(playback.PositionSeconds)} / {Clock(playback.DurationSeconds)}  buffer {playback.LevelSeconds:0.0} s {playback.Buffer.ToString().ToLowerInvariant()}");
        if (playback.Rebuffers > 0)
        {
            line += $"  rebuffered {playback.Rebuffers}x";
        }

        return line + string.Concat(rates.Select(rate => string.Create(CultureInfo.InvariantCulture, $"  {rate.Node} {rate.Mbps:0.0} Mbit/s")));
    }

    private static string Clock(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 60:00}:{(int)seconds % 60:00}");

    private async Task WriteAsync(bool isLast)
    {
        if (player.Current?.Read() is { } playback)
        {
            var line = Format(playback, Rates());
            await Console.Error.WriteAsync(_isTerminal ? $"\r{line}\e[K{(isLast ? "\n" : "")}" : $"{line}\n");
        }
    }

    /// <summary>What each node gave since the last look.</summary>
    private List<(string Node, double Mbps)> Rates()
    {
        var seconds = time.GetElapsedTime(_looked).TotalSeconds;
        _looked = time.GetTimestamp();
        List<(string, double)> rates = [];
        foreach (var node in nodes.Readings.Take(MostNodes))
        {
            var before = _bytes.GetValueOrDefault(node.NodeUrl);
            _bytes[node.NodeUrl] = node.Bytes;
            rates.Add((new Uri(node.NodeUrl).Authority, seconds > 0 ? (node.Bytes - before) * 8 / 1e6 / seconds : 0));
        }

        return rates;
    }
}
