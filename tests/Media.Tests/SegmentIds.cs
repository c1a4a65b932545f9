using Lifecycle.Contracts.Media;

namespace Media.Tests;

public sealed class SegmentIds
{
    [Theory]
    [InlineData("v1-720p-init.mp4", 1, "720p", null)]
    [InlineData("v12-audio-1-00042.m4s", 12, "audio-1", 42)]
    [InlineData("v1-720p-123456.m4s", 1, "720p", 123456)]
    public void A_segment_id_reads_back_as_written(string text, int version, string track, int? index)
    {
        Assert.True(SegmentId.TryParse(text, out var id));
        Assert.Equal(new SegmentId(version, track, index), id);
        Assert.Equal(text, id.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("v")]
    [InlineData("v1-")]
    [InlineData("v1--init.mp4")]
    [InlineData("1-720p-00000.m4s")]
    [InlineData("v01-720p-00000.m4s")]
    [InlineData("v+1-720p-00000.m4s")]
    [InlineData("v1-720p-0000.m4s")]
    [InlineData("v1-720p-000001.m4s")]
    [InlineData("v1-720p--0001.m4s")]
    [InlineData("v1-720p-00000.mp4")]
    [InlineData("v1-720P-00000.m4s")]
    [InlineData("v1-../x-00000.m4s")]
    [InlineData("v99999999999-720p-00000.m4s")]
    [InlineData("v1-00000.m4s")]
    public void Anything_else_is_refused(string? text) => Assert.False(SegmentId.TryParse(text, out _));
}
