using Processing.Worker.Media;
using Processing.Worker.Media.Boxes;
using Processing.Worker.Media.Encoders;
using Processing.Worker.Media.Planning;

namespace Media.Tests;

public sealed class Planning
{
    [Theory]
    [InlineData(3840, 2160, "2160p 1440p 1080p 720p 480p 360p 240p")]
    [InlineData(1920, 1080, "1080p 720p 480p 360p 240p")]
    [InlineData(1080, 1920, "1080p 720p 480p 360p 240p")]
    [InlineData(1920, 1036, "1036p 720p 480p 360p 240p")]
    [InlineData(1920, 800, "720p 480p 360p 240p")]
    [InlineData(854, 480, "480p 360p 240p")]
    [InlineData(427, 241, "240p")]
    [InlineData(320, 180, "180p")]
    [InlineData(101, 51, "51p")]
    [InlineData(1, 1, "1p")]
    public void The_ladder_never_exceeds_the_source(int width, int height, string names)
    {
        var ladder = LadderPlanner.Plan(width, height, 30, LadderRung.Default);
        Assert.Equal(names, string.Join(' ', ladder.Select(rendition => rendition.Name)));
        Assert.All(ladder, rendition =>
        {
            Assert.True(rendition.Width <= Math.Max(2, width) && rendition.Height <= Math.Max(2, height));
            Assert.True(rendition.Width % 2 == 0 && rendition.Height % 2 == 0);
        });
        Assert.All(ladder.Zip(ladder.Skip(1)), pair => Assert.InRange((double)pair.First.MaxKbps / pair.Second.MaxKbps, 1.5, 2));
    }

    [Theory]
    [InlineData(1920, 1080, 30, "4.0")]
    [InlineData(1920, 1080, 60, "4.2")]
    [InlineData(1280, 720, 30, "3.1")]
    [InlineData(3840, 2160, 60, "5.2")]
    public void The_level_fits_size_and_rate(int width, int height, double rate, string level) =>
        Assert.Equal(level, LadderPlanner.Plan(width, height, rate, LadderRung.Default)[0].Level);

    private static FrameTimes Frames(double rate, double seconds) =>
        new([.. Enumerable.Range(0, (int)Math.Round(rate * seconds)).Select(i => (long)Math.Round(i * 90_000 / rate))], (long)(seconds * 90_000), 0);

    [Theory]
    [InlineData(29.97002997, 29.97)]
    [InlineData(23.976024, 23.976)]
    [InlineData(25, 25)]
    [InlineData(59.94006, 59.94)]
    [InlineData(7, 7)]
    public void The_rate_of_even_frames_is_exact(double rate, double expected) => Assert.Equal(expected, Frames(rate, 20).Rate());

    [Fact]
    public void Milliseconds_do_not_make_a_rate_variable() =>
        Assert.Equal(29.97, new FrameTimes([.. Enumerable.Range(0, 300).Select(i => (long)Math.Round(i * 1001 / 30.0) * 90)], 901_000, 0).Rate());

    [Theory]
    [InlineData(0.5, 1)]
    [InlineData(6.5, 1)]
    [InlineData(7.5, 2)]
    [InlineData(60, 10)]
    [InlineData(61.5, 11)]
    public void Segments_cover_every_frame_once(double seconds, int count)
    {
        var frames = Frames(29.97, seconds);
        var segments = SegmentPlanner.Plan(frames, 0, 6);
        Assert.Equal(count, segments.Count);
        Assert.Equal(frames.Count, segments.Sum(segment => segment.Frames));
        Assert.All(segments, segment => Assert.Contains(segment.Start, frames.Ticks));
        Assert.All(segments.Skip(1), segment => Assert.InRange(segment.Cut, (segment.Start * 100 / 9) - 33_000, segment.Start * 100 / 9));
    }

    [Theory]
    [InlineData("0,2,1", 0)]
    [InlineData("0,4,2,1,3,8,6,5,7", 0)]
    [InlineData("100,400,200,300", 100)]
    [InlineData("0", 0)]
    [InlineData("5,6", 0)]
    public void Decode_times_rise_and_never_pass_presentation(string order, long start)
    {
        long[] shown = [.. order.Split(',').Select(frame => long.Parse(frame) * 3003)];
        var decode = DecodeTimes.Assign(shown, start * 3003);
        Assert.Equal(start * 3003, decode[0]);
        for (var i = 0; i < shown.Length; i++)
        {
            Assert.True(decode[i] <= shown[i]);
            Assert.True(i == 0 || decode[i] > decode[i - 1]);
        }
    }

    [Fact]
    public void Random_orders_keep_decode_times_valid()
    {
        var random = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var times = new List<long> { 0 };
            for (var i = 0; i < 40; i++)
                times.Add(times[^1] + random.Next(100, 400_000));
            long[] shown = [times[0], .. times.Skip(1).Chunk(4).SelectMany(group => group.Take(group.Length - 1).Prepend(group[^1]))];
            var decode = DecodeTimes.Assign(shown, 0);
            Assert.All(Enumerable.Range(0, shown.Length), i => Assert.True(decode[i] <= shown[i] && (i == 0 || decode[i] > decode[i - 1])));
        }
    }

    [Theory]
    [InlineData(1, 30_000, 1001, 3003)]
    [InlineData(1, 1000, 33, 2970)]
    [InlineData(1, 48_000, -7, -13)]
    public void Ticks_round_as_ffmpeg_rounds(long numerator, long denominator, long timestamp, long ticks) =>
        Assert.Equal(ticks, new TimeBase(numerator, denominator).ToTicks(timestamp));

    [Fact]
    public void Jpegs_in_a_row_are_told_apart() =>
        Assert.Equal(3, JpegSequence.Split(new byte[] { 0xFF, 0xD8, 1, 0xFF, 0xD9, 0xFF, 0xD8, 2, 0xFF, 0, 0xFF, 0xD9, 0xFF, 0xD8, 3, 0xFF, 0xD9 }).Count);
}
