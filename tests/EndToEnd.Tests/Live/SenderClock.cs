using System.Globalization;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>
/// The sender's clock, burnt into its pictures where a program can read it again: milliseconds since 1970 as a row of black and white
/// blocks, and below it their opposites, so that what is no clock is not taken for one.
/// </summary>
internal static class SenderClock
{
    public const int Width = 640;

    public const int Height = 480;

    public const int FramesPerSecond = 25;

    private const int Bits = 32;
    private const int Block = 16;
    private const int Rows = 32;

    /// <summary>What the blocks hold of the time, before they begin anew.</summary>
    private const long Period = 1L << Bits;

    /// <summary>Grey that moves, so that there is something to encode.</summary>
    private static readonly byte[] _ramp = [.. Enumerable.Range(0, Width + 512).Select(i => (byte)(64 + Math.Abs((i % 256) - 128)))];

    public static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    /// <param name="picture">Width x Height bytes of grey.</param>
    /// <param name="number">Of the frame.</param>
    public static void Draw(Span<byte> picture, long milliseconds, long number)
    {
        for (var y = 0; y < Height; y++)
        {
            _ramp.AsSpan((int)((number + y) % 256), Width).CopyTo(picture[(y * Width)..]);
        }

        for (var y = 0; y < 2 * Rows; y++)
        {
            for (var bit = 0; bit < Bits; bit++)
            {
                picture.Slice((y * Width) + (bit * Block), Block).Fill(IsWhite(milliseconds, bit) == (y < Rows) ? (byte)235 : (byte)16);
            }
        }
    }

    /// <summary>Every <paramref name="every"/>th picture's time; fails where one has none.</summary>
    /// <param name="input">ffmpeg's options and <c>-i</c> with the address.</param>
    /// <param name="every">1 for all.</param>
    public static async Task<List<long>> ReadAsync(IEnumerable<string> input, int every)
    {
        const int Scale = 2;
        const int Bytes = Width / Scale * (Height / Scale);
        var folder = Sources.NewFolder("clock");
        var file = Path.Combine(folder, "pictures.gray");
        var filter = string.Create(CultureInfo.InvariantCulture, $"select='not(mod(n\\,{every}))',scale={Width / Scale}:{Height / Scale}:flags=area,format=gray");
        await Tool.CheckedAsync("ffmpeg", ["-nostdin", "-v", "error", .. input, "-map", "0:v:0", "-vf", filter, "-fps_mode", "passthrough", "-f", "rawvideo", file]);
        var pictures = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        Directory.Delete(folder, recursive: true);
        var now = Now();
        return [.. Enumerable.Range(0, pictures.Length / Bytes).Select(i => Read(pictures.AsSpan(i * Bytes, Bytes), Width / Scale, Block / Scale, Rows / Scale, now))];
    }

    private static long Read(ReadOnlySpan<byte> picture, int width, int block, int rows, long now)
    {
        var seen = 0L;
        for (var bit = 0; bit < Bits; bit++)
        {
            var (above, below) = (picture[(rows / 2 * width) + (bit * block) + (block / 2)], picture[((rows + (rows / 2)) * width) + (bit * block) + (block / 2)]);
            Assert.True(Math.Abs(above - below) > 60, $"A picture shows no clock: block {bit} is {above} over {below}.");
            seen = (seen << 1) | (above > below ? 1L : 0L);
        }

        return now - (((now - seen) % Period) + Period) % Period;
    }

    private static bool IsWhite(long milliseconds, int bit) => ((milliseconds >> (Bits - 1 - bit)) & 1) == 1;
}
