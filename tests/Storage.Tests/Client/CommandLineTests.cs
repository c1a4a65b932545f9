using Smart.Client.Buffering;
using Smart.Client.Downloads;
using Smart.Client.Playback;
using Smart.Client.Terminal;
using Xunit;

namespace Storage.Tests.Client;

public sealed class CommandLineTests
{
    private const string Video = "550e8400-e29b-41d4-a716-446655440000";

    [Fact]
    public void Every_option_is_understood_in_both_forms()
    {
        var line = CommandLine.Parse([Video, "--metadata", "http://m:8090", "--output=-", "--fast", "--dashboard", "9999", "--SmartClient:TargetBufferSeconds=60", "--urls", "http://127.0.0.1:0"]);
        Assert.Null(line.Problem);
        Assert.Equal((Guid.Parse(Video), "-", true, true), (line.VideoId!.Value, line.Output, line.IsFast, line.HasDashboard));
        Assert.Equal(["--METADATA_SERVICE_URL=http://m:8090", "--PORT=9999", "--SmartClient:TargetBufferSeconds=60", "--urls=http://127.0.0.1:0"], line.Settings);
    }

    [Theory]
    [InlineData("ffmpeg -i - -f null -", new[] { "ffmpeg", "-i", "-", "-f", "null", "-" })]
    [InlineData("  mpv  \"--title=a  video\" '' - ", new[] { "mpv", "--title=a  video", "", "-" })]
    [InlineData("play '$(touch x); |'", new[] { "play", "$(touch x); |" })] // no shell reads it
    public void A_players_command_is_cut_into_words(string command, string[] words) => Assert.Equal(words, CommandLine.Parse([Video, "--player", command]).Player);

    [Theory]
    [InlineData("nonsense")]
    [InlineData(Video, Video)]
    [InlineData(Video, "--unknown")]
    [InlineData(Video, "--output")]
    [InlineData(Video, "--player", "")]
    [InlineData(Video, "--output", "-", "--player", "cat")]
    [InlineData("--dashboard", "0")]
    [InlineData("--dashboard", "65536")]
    [InlineData("--dashboard", "x")]
    [InlineData("--fast")]
    [InlineData("--output", "file.mp4")]
    public void What_makes_no_sense_is_a_problem(params string[] args) => Assert.NotNull(CommandLine.Parse(args).Problem);

    [Fact]
    public void Without_a_video_it_is_the_dashboard() => Assert.Equal((null, null), (CommandLine.Parse([]).VideoId, CommandLine.Parse([]).Problem));

    [Fact]
    public void The_progress_is_one_line()
    {
        PlaybackReading reading = new(Guid.Empty, true, 0.1, 72.4, 600, 28.46, BufferState.Healthy, 95, 26.8, 7, 7, 0, DownloadReading.None);
        Assert.Equal("01:12 / 10:00  buffer 28.5 s healthy  node-1:8091 45.2 Mbit/s  node-2:8092 0.0 Mbit/s", ProgressLine.Format(reading, [("node-1:8091", 45.21), ("node-2:8092", 0)]));
        Assert.Contains("rebuffered 2x", ProgressLine.Format(reading with { Rebuffers = 2 }, []));
    }
}
