using Smart.Client.Network;
using Smart.Client.Playback;

namespace Smart.Client.Dashboard;

/// <summary>Looks once a second, for the history and for the playback's average.</summary>
public sealed class Sampler(SmartPlayer player, NodeRegistry nodes, ClientHistory history, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan _every = TimeSpan.FromSeconds(1);

    private long _bytes;
    private long _looked = time.GetTimestamp();

    /// <summary>One look.</summary>
    public void Look()
    {
        var session = player.Current;
        session?.Sample();
        var reading = session?.Read();
        var known = nodes.Readings;
        var bytes = known.Sum(node => node.Bytes);
        var seconds = time.GetElapsedTime(_looked).TotalSeconds;
        // A node that was forgotten took its bytes along; that second shows 0.
        var mbps = seconds > 0 ? Math.Max(0, bytes - _bytes) * 8 / 1e6 / seconds : 0;
        (_bytes, _looked) = (bytes, time.GetTimestamp());
        history.Add(new(
            time.GetUtcNow().ToUnixTimeSeconds(), Rounded.Hundredths(reading?.LevelSeconds ?? 0), Rounded.Tenths(reading?.BufferHealthPercent), Rounded.Hundredths(mbps),
            reading?.Downloads.Active ?? 0, known.ToDictionary(node => node.NodeUrl, node => Rounded.Hundredths(node.Score))));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Look();
        }
    }
}
