using Lifecycle.Contracts.Media;
using Streaming.Api.Playlists;

namespace Media.Tests;

public sealed class Playlists
{
    private static StoredObject Stored(long bytes) => new("key", bytes, "00", "video/mp4");

    private static VideoRendition Video(string name, int width, int height, int peak) => new()
    {
        Name = name, Codecs = "avc1.64001f", Timescale = 90_000, PeakBandwidth = peak, AverageBandwidth = peak / 2, Init = Stored(700),
        Segments = [new(Stored(1000), 0, 540_540, 180, 300), new(Stored(500), 540_540, 90_090, 30, 200)],
        Width = width, Height = height, FrameRate = 29.97,
    };

    private static AudioRendition Audio(string name, string label, bool isDefault) => new()
    {
        Name = name, Codecs = "mp4a.40.2", Timescale = 48_000, PeakBandwidth = 130_000, AverageBandwidth = 128_000, Init = Stored(600),
        Segments = [new(Stored(96_000), 0, 336_000, 328, 0)], Language = "en", Label = label, Channels = 2, IsDefault = isDefault,
    };

    private static readonly Catalogue Sample = new()
    {
        Version = 3, DurationSeconds = 7.007,
        Video = [Video("1080p", 1920, 1080, 5_000_000), Video("720p", 1280, 720, 2_800_000), Video("480p", 854, 480, 1_400_000)],
        Audio = [Audio("audio-1", "English", true), Audio("audio-2", "Say \"hi\"", false)],
        Storyboard = new Storyboard(Stored(9), 3, 2, 160, 90, 4, 2),
    };

    [Fact]
    public void The_multivariant_playlist_starts_with_720p_and_adds_the_audio_to_the_rates() => Assert.Equal(
        """
        #EXTM3U
        #EXT-X-VERSION:7
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="manifest/audio-1"
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Say 'hi'",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="manifest/audio-2"
        #EXT-X-STREAM-INF:BANDWIDTH=2930000,AVERAGE-BANDWIDTH=1528000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"
        manifest/720p
        #EXT-X-STREAM-INF:BANDWIDTH=5130000,AVERAGE-BANDWIDTH=2628000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=29.970,AUDIO="audio"
        manifest/1080p
        #EXT-X-STREAM-INF:BANDWIDTH=1530000,AVERAGE-BANDWIDTH=828000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=854x480,FRAME-RATE=29.970,AUDIO="audio"
        manifest/480p
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1599,AVERAGE-BANDWIDTH=571,CODECS="avc1.64001f",RESOLUTION=1920x1080,URI="manifest/1080p-iframes"
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1599,AVERAGE-BANDWIDTH=571,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="manifest/720p-iframes"
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1599,AVERAGE-BANDWIDTH=571,CODECS="avc1.64001f",RESOLUTION=854x480,URI="manifest/480p-iframes"

        """, Playlist.Multivariant(Sample));

    [Fact]
    public void A_media_playlist_states_measured_durations() => Assert.Equal(
        """
        #EXTM3U
        #EXT-X-VERSION:7
        #EXT-X-TARGETDURATION:6
        #EXT-X-MEDIA-SEQUENCE:0
        #EXT-X-PLAYLIST-TYPE:VOD
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-MAP:URI="../segment/v3-720p-init.mp4"
        #EXTINF:6.006000,
        ../segment/v3-720p-00000.m4s
        #EXTINF:1.001000,
        ../segment/v3-720p-00001.m4s
        #EXT-X-ENDLIST

        """, Playlist.Media(Sample, "720p"));

    [Fact]
    public void An_i_frame_playlist_names_the_range_of_each_first_sample()
    {
        var text = Playlist.Media(Sample, "720p-iframes")!;
        Assert.Contains("#EXT-X-I-FRAMES-ONLY", text, StringComparison.Ordinal);
        Assert.Contains("#EXT-X-BYTERANGE:300@0\n../segment/v3-720p-00000.m4s\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("audio-1-iframes")]
    [InlineData("")]
    public void What_is_not_in_the_catalogue_has_no_playlist(string name) => Assert.Null(Playlist.Media(Sample, name));

    [Fact]
    public void Addresses_resolve_to_the_routes_of_the_server()
    {
        var manifest = new Uri("http://host/stream/5b0e/manifest");
        var media = new Uri(manifest, "manifest/720p");
        Assert.Equal("/stream/5b0e/manifest/720p", media.AbsolutePath);
        Assert.Equal("/stream/5b0e/segment/v3-720p-00000.m4s", new Uri(media, "../segment/v3-720p-00000.m4s").AbsolutePath);
        Assert.NotNull(Sample.Find(new SegmentId(3, "720p", 1)));
        Assert.Null(Sample.Find(new SegmentId(3, "720p", 2)));
        Assert.Null(Sample.Find(new SegmentId(2, "720p", 0)));
    }

    [Fact]
    public void Sound_alone_is_a_variant_without_a_group()
    {
        var text = Playlist.Multivariant(Sample with { Video = [], Audio = [Sample.Audio[0]] });
        Assert.EndsWith("#EXT-X-STREAM-INF:BANDWIDTH=130000,AVERAGE-BANDWIDTH=128000,CODECS=\"mp4a.40.2\"\nmanifest/audio-1\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_cue_of_the_storyboard_names_its_tile() => Assert.Equal(
        """
        WEBVTT

        00:00:00.000 --> 00:00:02.000
        storyboard.jpg#xywh=0,0,160,90

        00:00:02.000 --> 00:00:04.000
        storyboard.jpg#xywh=160,0,160,90

        00:00:04.000 --> 00:00:06.000
        storyboard.jpg#xywh=320,0,160,90

        00:00:06.000 --> 00:00:07.007
        storyboard.jpg#xywh=0,90,160,90

        """, StoryboardTrack.Render(Sample));
}
