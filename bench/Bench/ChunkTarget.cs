using System.Diagnostics;
using System.Security.Cryptography;

namespace Bench;

/// <summary>Requests a second, and milliseconds of one.</summary>
internal sealed record ChunkRate(double PerSecond, double P50, double P99);

/// <summary>Something that takes and gives chunks of 2 MiB by PUT and GET.</summary>
/// <param name="Path">In front of a chunk's name.</param>
internal sealed record ChunkTarget(HttpClient Http, Uri Address, string Path)
{
    private const int ChunkBytes = 2 << 20;

    /// <summary>Chunks that GETs ask for; that many fit into any page cache.</summary>
    private const int Known = 64;

    /// <summary>PUTs at a time while it is filled; a node takes 32.</summary>
    private const int FilledBy = 32;

    private readonly List<string> _stored = [];

    /// <summary>PUTs or GETs by some clients, each one after the other, for some seconds.</summary>
    public async Task<ChunkRate> MeasureAsync(string method, int clients, int seconds, CancellationToken ct)
    {
        if (method == "GET" && _stored.Count == 0)
        {
            await MeasureAsync("PUT", clients, 1, ct);
        }

        var body = RandomNumberGenerator.GetBytes(ChunkBytes);
        var began = Stopwatch.GetTimestamp();
        List<double>[] times = [.. Enumerable.Range(0, clients).Select(_ => new List<double>())];
        await Task.WhenAll(times.Select((mine, client) => Task.Run(async () =>
        {
            for (var i = 0; Stopwatch.GetElapsedTime(began).TotalSeconds < seconds; i++)
            {
                var started = Stopwatch.GetTimestamp();
                await (method == "PUT" ? PutAsync(body, ct) : GetAsync((client * 7) + i, ct));
                mine.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }, ct)));
        Figures all = new(times.SelectMany(mine => mine));
        return new(times.Sum(mine => mine.Count) / Stopwatch.GetElapsedTime(began).TotalSeconds, all.Median, all.Percentile(99));
    }

    /// <summary>Stores chunks, each of other bytes.</summary>
    public Task FillAsync(int count, int bytes, CancellationToken ct) =>
        Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = FilledBy, CancellationToken = ct }, async (_, token) =>
            await StoreAsync($"held-{Guid.NewGuid():N}", RandomNumberGenerator.GetBytes(bytes), token));

    public Task FillAsync(int count, CancellationToken ct) => FillAsync(count, ChunkBytes, ct);

    private async Task PutAsync(byte[] content, CancellationToken ct)
    {
        var name = $"{Guid.NewGuid():N}";
        await StoreAsync(name, content, ct);
        lock (_stored)
        {
            if (_stored.Count < Known)
            {
                _stored.Add(name);
            }
        }
    }

    private async Task StoreAsync(string name, byte[] content, CancellationToken ct)
    {
        using ByteArrayContent body = new(content);
        using var answer = await Http.PutAsync(new Uri(Address, Path + name), body, ct);
        answer.EnsureSuccessStatusCode();
    }

    private async Task GetAsync(int i, CancellationToken ct)
    {
        using var answer = await Http.GetAsync(new Uri(Address, Path + _stored[i % _stored.Count]), HttpCompletionOption.ResponseHeadersRead, ct);
        answer.EnsureSuccessStatusCode();
        await answer.Content.CopyToAsync(Stream.Null, ct);
    }
}
