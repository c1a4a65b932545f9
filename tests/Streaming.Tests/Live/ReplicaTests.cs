using System.Diagnostics.Metrics;
using Streaming.Tests.Platform;
using Testing;

namespace Streaming.Tests.Live;

/// <summary>Several replicas behind one address, many players: nobody sees time run backwards, and the database hardly notices them.</summary>
public sealed class ReplicaTests(LiveStack stack) : IClassFixture<LiveStack>
{
    private static readonly string[] _tracks = ["480p", "240p", "audio"];

    private int _polls;

    [Fact]
    public async Task Players_sent_from_replica_to_replica_never_go_back_and_see_all_that_is_committed()
    {
        const int Players = 8;
        const int Polls = 60;
        Replica[] replicas = [stack.Replica, await stack.StartReplicaAsync()];
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2);
        var writing = WriteAsync(broadcast, polled: Players * Polls);
        var ends = await Task.WhenAll(Enumerable.Range(0, Players).Select(player => Task.Run(() => PlayAsync(replicas, broadcast, player))));
        await writing;
        Assert.All(ends, end => Assert.Equal(broadcast.Count - 1, end.Last));
        Assert.InRange(_polls, Players * Polls, int.MaxValue);
        Assert.True(broadcast.Count > 20, $"Only {broadcast.Count} segments came");
    }

    /// <summary>Polls one replica after the other, track after track, until the end is listed.</summary>
    private async Task<Listing> PlayAsync(Replica[] replicas, Broadcast broadcast, int player)
    {
        Listing last = new(0, 0, [], 0, HasEnded: false);
        for (var poll = player; !last.HasEnded; poll++)
        {
            var committed = broadcast.Count;
            var now = Listing.Read(await replicas[poll % 2].Client.GetStringAsync($"{broadcast.Path}/manifest/{_tracks[poll % 3]}"));
            Interlocked.Increment(ref _polls);
            Assert.True(now.Last >= committed - 1, $"Poll {poll}: {committed} were committed, the last listed is {now.Last}");
            Assert.InRange(now.First, last.First, long.MaxValue);
            Assert.InRange(now.Last, last.Last, long.MaxValue);
            Assert.InRange(now.Discontinuities, last.Discontinuities, int.MaxValue);
            Assert.True(now.First == 0 || now.Seconds is >= 10 and < 12, $"{now.Seconds} s are listed");
            last = now;
        }

        return last;
    }

    /// <summary>As fast as it can until enough polls were made, with a new input now and then, and ends.</summary>
    private async Task WriteAsync(Broadcast broadcast, int polled)
    {
        while (Volatile.Read(ref _polls) < polled)
        {
            if (broadcast.Count % 9 == 8)
            {
                await broadcast.ConnectAsync(away: 3);
            }

            await broadcast.AddAsync(broadcast.Count % 3 == 0 ? 1.3 : 2);
        }

        await broadcast.EndAsync();
    }

    [Fact]
    public async Task A_poll_that_comes_while_a_read_runs_waits_for_the_next_one()
    {
        using Meters meters = new(stack.Replica);
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2);
        var address = $"{broadcast.Path}/manifest/480p";
        await stack.Replica.Client.GetStringAsync(address);
        TaskCompletionSource release = new();
        var held = stack.Database.Held;
        stack.Database.Hold(release.Task);
        var first = stack.Replica.Client.GetStringAsync(address);
        await Poll.UntilAsync(() => Task.FromResult(stack.Database.Held), answers => answers > held, TimeSpan.FromSeconds(10), "The database has answered the first poll's read");
        await broadcast.AddAsync(2);
        var second = stack.Replica.Client.GetStringAsync(address);
        await Poll.UntilAsync(() => Task.FromResult(meters.Sum("streaming.live.polls")), polls => polls == 3, TimeSpan.FromSeconds(10), "The second poll is there");
        release.SetResult();
        Assert.Equal(1, Listing.Read(await second).Last);
        Assert.InRange(Listing.Read(await first).Last, 0, 1);
    }

    [Fact]
    public async Task A_segment_is_served_by_a_replica_that_has_not_heard_of_it_yet()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectWithAsync(new Encoded("480p", [1, 2, 3]));
        await broadcast.AddAsync([new Encoded("480p", [4, 5])]);
        Assert.Equal([1, 2, 3], await stack.Replica.Client.GetByteArrayAsync($"{broadcast.Path}/segment/v1-480p-init.mp4"));
        await broadcast.AddAsync([new Encoded("480p", [6, 7, 8])]);
        Assert.Equal([6, 7, 8], await stack.Replica.Client.GetByteArrayAsync($"{broadcast.Path}/segment/v1-480p-00001.m4s"));
        await broadcast.ConnectWithAsync(new Encoded("480p", [9]));
        await broadcast.AddAsync([new Encoded("480p", [10])]);
        Assert.Equal([9], await stack.Replica.Client.GetByteArrayAsync($"{broadcast.Path}/segment/v2-480p-init.mp4"));
    }

    [Fact]
    public async Task Hundreds_of_players_share_few_reads_and_one_rendering_of_each_playlist()
    {
        const int Players = 300;
        const int Rounds = 5;
        var replica = await stack.StartReplicaAsync();
        using Meters meters = new(replica);
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2, 2, 2, 2, 2);
        await replica.Client.GetStringAsync($"{broadcast.Path}/manifest/480p");
        for (var round = 1; round <= Rounds; round++)
        {
            var texts = await Task.WhenAll(Enumerable.Range(0, Players).Select(player => replica.Client.GetStringAsync($"{broadcast.Path}/manifest/{_tracks[player % 3]}")));
            Assert.Equal(3, texts.Distinct(StringComparer.Ordinal).Count());
            await broadcast.AddAsync(2);
        }

        Assert.Equal(1 + (Players * Rounds), meters.Sum("streaming.live.polls"));
        Assert.InRange(meters.Sum("streaming.live.reads"), Rounds, Players * Rounds / 5);
        Assert.Equal(3 * Rounds, meters.Sum("streaming.live.renders"));
    }

    [Fact]
    public async Task What_nobody_watches_is_dropped_and_the_least_recently_watched_gives_way()
    {
        var replica = await stack.StartReplicaAsync("Streaming:Live:Streams=2", "Streaming:Live:IdleSeconds=2");
        using Meters meters = new(replica);
        List<Broadcast> broadcasts = [];
        for (var i = 0; i < 5; i++)
        {
            broadcasts.Add(await stack.BeginAsync());
            await broadcasts[i].ConnectAsync();
            await broadcasts[i].AddAsync(2, 2);
        }

        for (var round = 0; round < 3; round++)
        {
            foreach (var broadcast in broadcasts)
            {
                Assert.Equal(1, Listing.Read(await replica.Client.GetStringAsync($"{broadcast.Path}/manifest/480p")).Last);
                Assert.InRange(meters.Sum("streaming.live.streams"), 1, 2);
            }
        }

        await Poll.UntilAsync(() => Task.FromResult(meters.Sum("streaming.live.streams")), streams => streams == 0, TimeSpan.FromSeconds(15), "Idle streams are dropped");
        Assert.Equal(1, Listing.Read(await replica.Client.GetStringAsync($"{broadcasts[0].Path}/manifest/480p")).Last);
    }

    [Fact]
    public async Task Windows_together_stay_within_their_bytes()
    {
        var replica = await stack.StartReplicaAsync("Streaming:Live:Bytes=65536", "Streams:DvrSeconds=100");
        using Meters meters = new(replica);
        foreach (var _ in Enumerable.Range(0, 3))
        {
            var broadcast = await stack.BeginAsync();
            await broadcast.ConnectAsync();
            await broadcast.AddAsync([.. Enumerable.Repeat(2.0, 20)]);
            Assert.Equal(19, Listing.Read(await replica.Client.GetStringAsync($"{broadcast.Path}/manifest/480p")).Last);
        }

        Assert.Equal(1, meters.Sum("streaming.live.streams")); // 20 segments of three tracks are more than half of what all may take
    }

    [Fact]
    public async Task Names_that_stand_for_nothing_leave_nothing_behind()
    {
        var replica = await stack.StartReplicaAsync();
        using Meters meters = new(replica);
        foreach (var name in Enumerable.Range(0, 50))
        {
            using var answer = await replica.GetAsync($"/stream/nobody-{name}/manifest");
            Assert.Equal(404, (int)answer.StatusCode);
        }

        Assert.Equal(0, meters.Sum("streaming.live.streams"));
    }

    /// <summary>One replica's counters from now on.</summary>
    private sealed class Meters : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, long> _sums = new(StringComparer.Ordinal);

        public Meters(Replica replica)
        {
            var factory = replica.Meters;
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Scope == factory && instrument.Name.StartsWith("streaming.live.", StringComparison.Ordinal))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument.Name, value));
            _listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Add(instrument.Name, value));
            _listener.Start();
        }

        public long Sum(string name)
        {
            lock (_sums)
            {
                return _sums.GetValueOrDefault(name);
            }
        }

        public void Dispose() => _listener.Dispose();

        private void Add(string name, long value)
        {
            lock (_sums)
            {
                _sums[name] = _sums.GetValueOrDefault(name) + value;
            }
        }
    }
}
