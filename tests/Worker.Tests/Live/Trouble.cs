using System.Globalization;
using Lifecycle.Store.Objects;
using Npgsql;
using Testing;

namespace Worker.Tests.Live;

/// <summary>Broadcasts while a store is away for seconds, and with an encoder that stands still.</summary>
public sealed class Trouble(Servers servers) : LiveTest(servers)
{
    [Theory]
    [InlineData(8, 1)] // late, and without a gap
    [InlineData(30, 3)] // more than is kept for so long: at a declared discontinuity
    public async Task While_S3_is_away_nothing_is_listed_and_the_broadcast_goes_on_afterwards(int seconds, int mostGenerations)
    {
        await using var gate = Gate.Before(Storage.Port);
        await using var worker = WorkerProcess.Start(Store, StorageBy(gate.Port));
        var id = await BroadcastAsync();
        await gate.CloseForAsync(TimeSpan.FromSeconds(seconds));
        Assert.InRange((await ListedAsync(id)).Count, 3, 5);
        await Poll.UntilAsync(async () => (await ListedAsync(id)).Count >= 15, Patience, "the broadcast to go on");
        var listed = await ListedAsync(id);
        Assert.InRange(listed[^1].Generation, 1, mostGenerations);
        await AssertWholeAsync(id, listed);
        Assert.InRange(worker.PeakMebibytes, 1, 500);
    }

    /// <summary>A broadcast that is not kept must not go on as if it were: what is missing is declared.</summary>
    [Fact]
    public async Task A_store_that_refuses_a_piece_of_the_recording_ends_the_generation_and_the_next_goes_on()
    {
        await using var store = await RefusingStore.BeforeAsync(Storage, "/input-");
        await using var worker = WorkerProcess.Start(Store, StorageBy(store.Port));
        var id = await BroadcastAsync();
        store.RefuseNext();
        await Store.UntilSegmentsAsync(id, 2, 3, Patience);
        Assert.Equal(1, store.Refused);
        Assert.Contains("ended, StoreRefused", worker.Output, StringComparison.Ordinal);
        await AssertWholeAsync(id, await ListedAsync(id));
    }

    /// <summary>Its broadcaster is still there; but the time in which nobody can go on counts as away.</summary>
    [Fact]
    public async Task A_broadcast_that_every_worker_fails_at_once_is_over_all_the_same()
    {
        await using var worker = WorkerProcess.Start(Store);
        var id = await BroadcastAsync();
        worker.BreakScratch();
        await Signals.SendAsync("KILL", Assert.Single(worker.Encoders()));
        await Store.UntilStatusAsync(id, "COMPLETE", Patience);
        Assert.Equal("recording", await Store.SessionAsync(id, "state"));
    }

    [Fact]
    public async Task A_recording_that_no_scratch_disk_can_hold_spends_its_attempts_and_says_what_to_do()
    {
        await using var worker = WorkerProcess.Start(Store, ("Worker:ReserveBytes", $"{long.MaxValue / 2}"));
        var id = await Store.ProvisionAsync(Ingest.UrlOf("match"));
        await Ingest.UntilPlayedAsync(Patience);
        Ingest.Push("match", await LiveSources.PushAsync("25", 7));
        await Store.ReadyAsync(id, Patience);
        await Poll.UntilAsync(() => Store.SessionAsync(id, "attempt"), attempt => attempt == "2", Patience, "the recording's first attempt");
        Assert.Contains("give the workers a larger one", await Store.SessionAsync(id, "recording_error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_Postgres_is_away_for_less_than_a_lease_the_broadcast_goes_on()
    {
        NpgsqlConnectionStringBuilder database = new(Store.ConnectionStrings["ConnectionStrings:videodb"]);
        await using var gate = Gate.Before(database.Port);
        (database.Host, database.Port) = ("127.0.0.1", gate.Port);
        await using var worker = WorkerProcess.Start(Store, ("ConnectionStrings:videodb", database.ConnectionString));
        var id = await BroadcastAsync();
        await gate.CloseForAsync(TimeSpan.FromSeconds(3));
        var before = (await ListedAsync(id)).Count;
        await Poll.UntilAsync(async () => (await ListedAsync(id)).Count >= before + 6, Patience, "the broadcast to go on");
        var listed = await ListedAsync(id);
        Assert.InRange(listed.Select(each => each.Generation).Distinct().Count(), 1, 2); // two: a beat fell so that the lease ran out
        Assert.All(listed.Zip(listed.Skip(1)), pair => Assert.InRange((pair.Second.At - pair.First.At).TotalSeconds - pair.First.Duration, -0.001, pair.First.Generation == pair.Second.Generation ? 0.001 : 15));
        await AssertWholeAsync(id, listed);
        Assert.InRange(worker.PeakMebibytes, 1, 500);
    }

    [Fact]
    public async Task An_encoder_that_stands_still_is_given_up_and_a_new_generation_goes_on()
    {
        await using var worker = WorkerProcess.Start(Store);
        var id = await BroadcastAsync();
        var encoder = Assert.Single(worker.Encoders());
        await Signals.SendAsync("STOP", encoder);
        await Store.UntilSegmentsAsync(id, 2, 2, TimeSpan.FromSeconds(30));
        Assert.Contains("ended, Overrun", worker.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"/proc/{encoder}"));
        Assert.Single(worker.Encoders());
        await AssertWholeAsync(id, await ListedAsync(id));
    }

    private Uri Storage => new(Store.ConnectionStrings["ConnectionStrings:storage"]!.Split(';').Single(part => part.StartsWith("Endpoint=", StringComparison.Ordinal))["Endpoint=".Length..]);

    private (string Name, string Value) StorageBy(int port) =>
        ("ConnectionStrings:storage", Store.ConnectionStrings["ConnectionStrings:storage"]!.Replace($":{Storage.Port}", $":{port}", StringComparison.Ordinal));

    /// <summary>A broadcast of a minute with three segments listed.</summary>
    private async Task<string> BroadcastAsync()
    {
        var id = await Store.ProvisionAsync(Ingest.UrlOf("match"));
        await Ingest.UntilPlayedAsync(Patience);
        Ingest.Push("match", await LiveSources.PushAsync("25", 60));
        await Store.ReadyAsync(id, Patience);
        await Store.UntilSegmentsAsync(id, 1, 3, Patience);
        return id;
    }

    private async Task<List<ListedSegment>> ListedAsync(string id) => [.. (await Store.SegmentsAsync(id)).Where(each => each.Track == "180p")];

    /// <summary>Numbers follow each other, and all that is listed is there as it was listed.</summary>
    private async Task AssertWholeAsync(string id, List<ListedSegment> listed)
    {
        Assert.Equal(Enumerable.Range(0, listed.Count).Select(each => (long)each), listed.Select(each => each.Sequence));
        foreach (var segment in await Store.SegmentsAsync(id))
        {
            Assert.Equal(segment.Bytes, await Store.Get<ObjectStore>().SizeAsync(segment.Key, Ct));
        }

        foreach (var generation in listed.Select(each => each.Generation).Distinct())
        {
            double frames = await LiveFiles.DecodeAsync(await Store.JoinAsync(id, generation, "180p"));
            Assert.InRange(frames, (listed.Where(each => each.Generation == generation).Sum(each => each.Duration) * 25) - 0.5, double.MaxValue);
        }
    }
}
