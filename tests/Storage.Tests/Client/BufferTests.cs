using Smart.Client.Buffering;
using Smart.Client.Playback;
using Storage.Fabric.Chunks;
using Xunit;

namespace Storage.Tests.Client;

public sealed class BufferTests
{
    private static readonly BufferLevels _levels = new(Target: 30, RefillBelow: 15, StartAt: 10);

    /// <summary>Every state, both sides of every border: level, state, health, whether it downloads while it was filling, and while it was not.</summary>
    public static TheoryData<double, BufferState, double, bool, bool> Levels => new()
    {
        { -1, BufferState.Empty, 0, true, true },
        { 0, BufferState.Empty, 0, true, true },
        { 0.001, BufferState.Initializing, 0.003, true, true },
        { 9.999, BufferState.Initializing, 33.33, true, true },
        { 10, BufferState.Low, 33.333, true, true },
        { 14.999, BufferState.Low, 49.997, true, true },
        { 15, BufferState.Healthy, 50, true, false },
        { 28.5, BufferState.Healthy, 95, true, false },
        { 29.999, BufferState.Healthy, 99.997, true, false },
        { 30, BufferState.Full, 100, false, false },
        { 300, BufferState.Full, 100, false, false },
    };

    [Theory]
    [MemberData(nameof(Levels))]
    public void The_level_says_the_state(double level, BufferState state, double health, bool goesOn, bool begins)
    {
        Assert.Equal(state, _levels.StateOf(level));
        Assert.Equal(health, _levels.HealthPercent(level), 3);
        Assert.Equal(goesOn, _levels.ShouldFill(level, isFilling: true));
        Assert.Equal(begins, _levels.ShouldFill(level, isFilling: false));
    }

    [Fact]
    public void Chunks_come_in_any_order_and_leave_in_the_videos()
    {
        ChunkBuffer buffer = new(new Timeline(Manifest(chunks: 3, seconds: 25)), new(0, 3));
        buffer.Put(1, [1, 1]);
        Assert.Equal((0d, false, 2L), (buffer.End, buffer.HasNext, buffer.Bytes)); // behind a gap it is no playback yet
        Assert.Null(buffer.Take());
        buffer.Put(0, [0]);
        Assert.Equal((20d, true, false), (buffer.End, buffer.HasNext, buffer.IsComplete));
        buffer.Put(2, [2]);
        Assert.Equal((25d, true), (buffer.End, buffer.IsComplete));
        Assert.Equal([0, 1, 2], new[] { buffer.Take()![0], buffer.Take()![0], buffer.Take()![0] });
        Assert.Equal((0L, 25d), (buffer.Bytes, buffer.End));
        Assert.Null(buffer.Take());
    }

    [Fact]
    public void A_span_begins_and_ends_within_the_video()
    {
        ChunkBuffer buffer = new(new Timeline(Manifest(chunks: 5, seconds: 45)), new(2, 4));
        Assert.Equal((20d, false), (buffer.End, buffer.IsComplete));
        buffer.Put(3, [3]);
        buffer.Put(2, [2]);
        Assert.Equal((40d, true), (buffer.End, buffer.IsComplete));
        Assert.Equal([2, 3], new[] { buffer.Take()![0], buffer.Take()![0] });
    }

    [Theory]
    [InlineData(3, 25, 25)]
    [InlineData(3, 30, 30)]
    [InlineData(3, 0, 30)] // a duration that does not fit the chunks
    [InlineData(3, 500, 30)]
    [InlineData(1, 4, 4)]
    public void The_last_chunk_has_what_is_left_of_the_video(int chunks, int seconds, double duration)
    {
        Timeline timeline = new(Manifest(chunks, seconds));
        Assert.Equal(duration, timeline.Duration);
        Assert.Equal(duration, Enumerable.Range(0, chunks).Sum(timeline.DurationOf));
        Assert.Equal((0, chunks - 1, chunks), (timeline.PlayedAt(0), timeline.PlayedAt(duration - 0.001), timeline.PlayedAt(duration)));
    }

    [Fact]
    public void The_playhead_waits_at_the_end_of_what_was_handed_over()
    {
        ManualTime time = new();
        Playhead playhead = new(time);
        playhead.Extend(10);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(0, playhead.Position); // it does not run yet
        playhead.Run();
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(4, playhead.Position, 6);
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(10, playhead.Position, 6);
        playhead.Extend(20);
        Assert.Equal(10, playhead.Position, 6); // the minute was waiting, not playing
        time.Advance(TimeSpan.FromSeconds(3));
        playhead.Stop();
        time.Advance(TimeSpan.FromSeconds(100));
        Assert.Equal((13d, false), (Math.Round(playhead.Position, 6), playhead.IsRunning));
        playhead.Run();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(14, playhead.Position, 6);
    }

    private static ChunkManifest Manifest(int chunks, int seconds) =>
        new(Guid.Empty, "", seconds, "active", [.. Enumerable.Range(0, chunks).Select(i => new ChunkPlace($"c{i}", i, 1, "", Redundancy.Replication, [], []))]);
}
