using System.Globalization;
using Lifecycle.Store.Objects;
using Npgsql;
using Testing;

namespace Worker.Tests.Live;

/// <summary>Broadcasts while a store is away for seconds, and with an encoder that stands still.</summary>
public sealed class Trouble(Servers servers) : IAsyncLifetime
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private TestStore _store = null!;
    private Ingest _ingest = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _ingest = await Ingest.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData(8, 1)] // late, and without a gap
    [InlineData(30, 3)] // more than is kept for so long: at a declared discontinuity
    public async Task While_S3_is_away_nothing_is_listed_and_the_broadcast_goes_on_afterwards(int seconds, int mostGenerations)
    {
        var storage = _store.ConnectionStrings["ConnectionStrings:storage"]!;
        var endpoint = new Uri(storage.Split(';').Single(part => part.StartsWith("Endpoint=", StringComparison.Ordinal))["Endpoint=".Length..]);
        await using var gate = Gate.Before(endpoint.Port);
        await using var worker = WorkerProcess.Start(_store, ("ConnectionStrings:storage", storage.Replace($":{endpoint.Port}", $":{gate.Port}", StringComparison.Ordinal)));
        var id = await BroadcastAsync();
        await gate.CloseForAsync(TimeSpan.FromSeconds(seconds));
        Assert.InRange((await ListedAsync(id)).Count, 3, 5);
        await Poll.UntilAsync(async () => (await ListedAsync(id)).Count >= 15, _patience, "the broadcast to go on");
        var listed = await ListedAsync(id);
        Assert.InRange(listed[^1].Generation, 1, mostGenerations);
        await AssertWholeAsync(id, listed);
        Assert.InRange(worker.PeakMebibytes, 1, 500);
    }

    [Fact]
    public async Task While_Postgres_is_away_for_less_than_a_lease_the_broadcast_goes_on()
    {
        NpgsqlConnectionStringBuilder database = new(_store.ConnectionStrings["ConnectionStrings:videodb"]);
        await using var gate = Gate.Before(database.Port);
        (database.Host, database.Port) = ("127.0.0.1", gate.Port);
        await using var worker = WorkerProcess.Start(_store, ("ConnectionStrings:videodb", database.ConnectionString));
        var id = await BroadcastAsync();
        await gate.CloseForAsync(TimeSpan.FromSeconds(3));
        var before = (await ListedAsync(id)).Count;
        await Poll.UntilAsync(async () => (await ListedAsync(id)).Count >= before + 6, _patience, "the broadcast to go on");
        var listed = await ListedAsync(id);
        Assert.InRange(listed.Select(each => each.Generation).Distinct().Count(), 1, 2); // two: a beat fell so that the lease ran out
        Assert.All(listed.Zip(listed.Skip(1)), pair => Assert.InRange((pair.Second.At - pair.First.At).TotalSeconds - pair.First.Duration, -0.001, pair.First.Generation == pair.Second.Generation ? 0.001 : 15));
        await AssertWholeAsync(id, listed);
        Assert.InRange(worker.PeakMebibytes, 1, 500);
    }

    [Fact]
    public async Task An_encoder_that_stands_still_is_given_up_and_a_new_generation_goes_on()
    {
        await using var worker = WorkerProcess.Start(_store);
        var id = await BroadcastAsync();
        var encoder = Assert.Single(worker.Encoders());
        await Signals.SendAsync("STOP", encoder);
        await _store.UntilSegmentsAsync(id, 2, 2, TimeSpan.FromSeconds(30));
        Assert.Contains("ended, Overrun", worker.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"/proc/{encoder}"));
        Assert.Single(worker.Encoders());
        await AssertWholeAsync(id, await ListedAsync(id));
    }

    /// <summary>A broadcast of a minute with three segments listed.</summary>
    private async Task<string> BroadcastAsync()
    {
        var id = await _store.ProvisionAsync(_ingest.UrlOf("match"));
        await _ingest.UntilPlayedAsync(_patience);
        _ingest.Push("match", await LiveSources.PushAsync("25", 60));
        await _store.ReadyAsync(id, _patience);
        await _store.UntilSegmentsAsync(id, 1, 3, _patience);
        return id;
    }

    private async Task<List<ListedSegment>> ListedAsync(string id) => [.. (await _store.SegmentsAsync(id)).Where(each => each.Track == "180p")];

    /// <summary>Numbers follow each other, and all that is listed is there as it was listed.</summary>
    private async Task AssertWholeAsync(string id, List<ListedSegment> listed)
    {
        Assert.Equal(Enumerable.Range(0, listed.Count).Select(each => (long)each), listed.Select(each => each.Sequence));
        foreach (var segment in await _store.SegmentsAsync(id))
        {
            Assert.Equal(segment.Bytes, await _store.Get<ObjectStore>().SizeAsync(segment.Key, Ct));
        }

        foreach (var generation in listed.Select(each => each.Generation).Distinct())
        {
            double frames = await LiveFiles.DecodeAsync(await _store.JoinAsync(id, generation, "180p"));
            Assert.InRange(frames, (listed.Where(each => each.Generation == generation).Sum(each => each.Duration) * 25) - 0.5, double.MaxValue);
        }
    }
}
