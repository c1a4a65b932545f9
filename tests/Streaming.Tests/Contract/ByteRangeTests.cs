using VideoPlatform.ServiceDefaults;

namespace Streaming.Tests.Contract;

/// <summary>The Range parser against a plain model of RFC 9110, 14.1.</summary>
public sealed class ByteRangeTests
{
    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=0-", 0, 1000)]
    [InlineData("bytes=999-", 999, 1)]
    [InlineData("bytes=-1", 999, 1)]
    [InlineData("bytes=-1000", 0, 1000)]
    [InlineData("bytes=-5000", 0, 1000)]
    [InlineData("bytes=10-19", 10, 10)]
    [InlineData("bytes=990-5000", 990, 10)]
    [InlineData("bytes=990-99999999999999999999999999", 990, 10)]
    [InlineData("Bytes=1-2", 1, 2)]
    [InlineData("bytes= 1-2 ", 1, 2)]
    [InlineData("bytes=,1-2,", 1, 2)]
    [InlineData("bytes=0001-0002", 1, 2)]
    public void One_satisfiable_range_is_a_part(string header, long start, long length) =>
        Assert.Equal(new(RangeKind.Part, start, length), ByteRange.Parse(header, 1000));

    [Theory]
    [InlineData("")]
    [InlineData("items=0-1")]
    [InlineData("bytes")]
    [InlineData("bytes =0-1")]
    [InlineData("bytes=0-1,5-6")]
    [InlineData("bytes=0-1, 2000-")]
    [InlineData("bytes=0-,0-,0-,0-")]
    public void Other_units_and_several_ranges_are_the_whole(string header) =>
        Assert.Equal(new(RangeKind.Whole, 0, 1000), ByteRange.Parse(header, 1000));

    [Theory]
    [InlineData("bytes=")]
    [InlineData("bytes=,")]
    [InlineData("bytes=-")]
    [InlineData("bytes=abc")]
    [InlineData("bytes=1")]
    [InlineData("bytes=--1")]
    [InlineData("bytes=1-2-3")]
    [InlineData("bytes=+1-2")]
    [InlineData("bytes=1 -2")]
    [InlineData("bytes=0x1-2")]
    [InlineData("bytes=5-2")]
    [InlineData("bytes=0-1,x")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=1000-")]
    [InlineData("bytes=1000-1001")]
    [InlineData("bytes=99999999999999999999999999-")]
    public void Malformed_and_unsatisfiable_ranges_are_refused(string header) => Assert.Equal(RangeKind.Unsatisfiable, ByteRange.Parse(header, 1000).Kind);

    [Fact]
    public void Every_range_of_a_small_content_is_what_the_model_says()
    {
        for (var size = 0; size <= 6; size++)
        {
            for (var first = -1; first <= 8; first++)
            {
                for (var last = -1; last <= 8; last++)
                {
                    var wanted = Enumerable.Range(0, size).Where(i => first < 0 ? i >= size - last : i >= first && (last < 0 || i <= last)).ToList();
                    var isMalformed = (first < 0 && last < 0) || (first >= 0 && last >= 0 && last < first);
                    var parsed = ByteRange.Parse($"bytes={(first < 0 ? "" : first)}-{(last < 0 ? "" : last)}", size);
                    Assert.Equal(isMalformed || wanted.Count == 0 ? new(RangeKind.Unsatisfiable, 0, 0) : new ByteRange(RangeKind.Part, wanted[0], wanted.Count), parsed);
                }
            }
        }
    }

    [Fact]
    public void No_text_makes_the_parser_answer_outside_the_content()
    {
        Random random = new(7);
        for (var i = 0; i < 100_000; i++)
        {
            var text = "bytes=" + string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => "0123456789-, x"[random.Next(14)]));
            var parsed = ByteRange.Parse(text, 50);
            Assert.True(parsed.Kind == RangeKind.Unsatisfiable || (parsed.Start >= 0 && parsed.Length > 0 && parsed.Start + parsed.Length <= 50), text);
        }
    }

    [Fact]
    public void A_header_without_end_is_refused() => Assert.Equal(RangeKind.Unsatisfiable, ByteRange.Parse("bytes=" + new string('1', 5000) + "-", 1000).Kind);
}
