using Storage.Fabric;
using Xunit;

namespace Storage.Tests;

public sealed class ChecksumTests
{
    private static readonly string _hex = Checksum.HexOf("chunk"u8);

    [Fact]
    public void Bare_and_prefixed_checksums_of_any_case_are_the_same()
    {
        foreach (var text in (string[])[_hex, _hex.ToUpperInvariant(), Checksum.InJson(_hex), "SHA256:" + _hex.ToUpperInvariant()])
        {
            Assert.True(Checksum.TryParse(text, out var parsed));
            Assert.Equal(_hex, parsed);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("sha256:")]
    [InlineData("md5:0123")]
    public void What_is_no_checksum_is_refused(string? text) => Assert.False(Checksum.TryParse(text, out _));
}
