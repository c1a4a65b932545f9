using Smart.Client.Network;
using Storage.Fabric.Chunks;
using Xunit;

namespace Storage.Tests.Client;

public sealed class NodeRecordTests
{
    private readonly ManualTime _time = new();
    private readonly NodeRecord _node;

    public NodeRecordTests() => _node = new("http://node-1", _time);

    [Theory]
    [InlineData(50, 1, 0, 50)] // as a node is assumed to be
    [InlineData(48.2, 1, 18.5, 16.912)] // 48.2 / 2.85
    [InlineData(100, 0.5, 10, 25)] // 50 / 2
    [InlineData(80, 0, 1, 0)]
    public void A_score_is_bandwidth_times_reliability_by_latency(double bandwidth, double reliability, double latency, double score) =>
        Assert.Equal(score, NodeScore.Of(bandwidth, reliability, latency), 3);

    [Theory]
    [InlineData(0, 16.8)]
    [InlineData(1, 14)] // 16.8 / 1.2
    [InlineData(5, 8.4)] // 16.8 / 2
    public void A_busy_node_is_worth_less(int active, double score) => Assert.Equal(score, NodeScore.ForSelection(16.8, active), 9);

    [Fact]
    public void The_bandwidth_begins_at_50_and_forgets_it_after_ten_transfers()
    {
        Assert.Equal(50, _node.Read().BandwidthMbps);
        _node.Transferred(TimeSpan.FromSeconds(1), 12_500_000, succeeded: true); // 100 Mbit/s
        Assert.Equal(75, _node.Read().BandwidthMbps, 9);
        for (var i = 0; i < 8; i++)
        {
            _node.Transferred(TimeSpan.FromSeconds(1), 12_500_000, succeeded: true);
        }

        Assert.Equal(95, _node.Read().BandwidthMbps, 9); // (50 + 9 x 100) / 10
        _node.Transferred(TimeSpan.FromSeconds(1), 12_500_000, succeeded: true);
        Assert.Equal(100, _node.Read().BandwidthMbps, 9);
    }

    [Fact]
    public void A_failed_transfer_counts_as_no_bandwidth()
    {
        _node.Transferred(TimeSpan.FromSeconds(2), 1_000_000, succeeded: false);
        Assert.Equal((25d, 0), (_node.Read().BandwidthMbps, _node.Read().Downloads));
    }

    [Fact]
    public void A_node_that_was_overtaken_has_at_most_the_rate_of_that_time()
    {
        _node.Overtaken(TimeSpan.FromSeconds(1), 1_250_000); // under 10 Mbit/s
        Assert.Equal(30, _node.Read().BandwidthMbps, 9);
    }

    [Fact]
    public void The_latency_is_the_mean_of_the_last_ten_answers()
    {
        _node.PingAnswered(1000);
        for (var i = 1; i <= 10; i++)
        {
            _node.PingAnswered(i);
        }

        Assert.Equal(5.5, _node.Read().LatencyMs, 9);
    }

    [Fact]
    public void The_reliability_is_of_the_last_twenty_pings()
    {
        for (var i = 0; i < 5; i++)
        {
            _node.PingFailed();
        }

        for (var i = 0; i < 15; i++)
        {
            _node.PingAnswered(0);
        }

        Assert.Equal((0.75, 37.5), (_node.Read().Reliability, _node.Read().Score));
        _node.PingAnswered(0); // the first failure is forgotten
        Assert.Equal(0.8, _node.Read().Reliability, 9);
    }

    [Fact]
    public void Healthy_is_who_answered_within_ten_seconds_and_three_of_the_last_five_times()
    {
        Assert.False(_node.Read().IsHealthy);
        _node.PingAnswered(1);
        Assert.True(_node.Read().IsHealthy);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(_node.Read().IsHealthy);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.False(_node.Read().IsHealthy);

        _node.PingAnswered(1);
        _node.PingFailed();
        Assert.True(_node.Read().IsHealthy); // two of three
        _node.PingFailed();
        Assert.False(_node.Read().IsHealthy); // two of four is not over a half
        _node.PingAnswered(1);
        Assert.True(_node.Read().IsHealthy);
    }

    [Fact]
    public void Healthy_nodes_are_asked_first_unknown_ones_next_and_known_bad_ones_last()
    {
        NodeRegistry nodes = new(_time);
        string[] urls = ["http://bad", "http://unknown", "http://slow", "http://fast", "ftp://other"];
        Assert.True(nodes.Watch(urls));
        Assert.False(nodes.Watch(urls));
        nodes.Find("http://bad")!.PingFailed();
        nodes.Find("http://slow")!.PingAnswered(20); // 16.7
        nodes.Find("http://fast")!.PingAnswered(10); // 25

        Assert.Equal(["http://fast", "http://slow", "http://unknown", "http://bad"], nodes.BestFirst(urls));

        nodes.Find("http://fast")!.DownloadStarted();
        nodes.Find("http://fast")!.DownloadStarted();
        nodes.Find("http://fast")!.DownloadStarted(); // 25 / 1.6 = 15.6
        Assert.Equal("http://slow", nodes.BestFirst(urls)[0]);
    }

    [Fact]
    public void At_most_64_nodes_are_watched_and_who_is_named_no_more_is_forgotten()
    {
        NodeRegistry nodes = new(_time);
        nodes.Watch(Enumerable.Range(0, 100).Select(i => $"http://node-{i}"));
        Assert.Equal(NodeRegistry.Most, nodes.Readings.Count);

        _time.Advance(TimeSpan.FromSeconds(700));
        nodes.Watch(["http://node-7"]);
        nodes.Forget();
        Assert.Equal("http://node-7", Assert.Single(nodes.Readings).NodeUrl);
    }

    [Fact]
    public void A_sample_of_a_node_that_nobody_watches_changes_nothing()
    {
        NodeRegistry nodes = new(_time);
        nodes.Record(new TransferSample("http://stranger", TimeSpan.FromSeconds(1), 1, true));
        Assert.Empty(nodes.Readings);
    }

    [Theory]
    [InlineData("http://localhost:8091", true)]
    [InlineData("https://node.example/base", true)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("gopher://localhost", false)]
    [InlineData("http://user:secret@localhost", false)]
    [InlineData("http://localhost/?q=", false)]
    [InlineData("localhost:8091", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Only_plain_http_addresses_are_asked(string? url, bool isAllowed) => Assert.Equal(isAllowed, NodeUrl.IsAllowed(url));
}
