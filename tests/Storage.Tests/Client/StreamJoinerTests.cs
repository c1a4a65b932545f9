using System.Buffers.Binary;
using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Smart.Client.Mp4;
using Storage.Fabric.Chunks;
using Testing.Media;
using Xunit;

namespace Storage.Tests.Client;

public sealed class StreamJoinerTests
{
    private static readonly Config _config = Config.QuickThrowOnFailure.WithMaxTest(2000).WithQuietOnSuccess(true);

    [Fact]
    public async Task Joined_chunks_are_the_stream_that_they_were_cut_from()
    {
        var video = await TestVideo.MinuteAsync();
        StreamJoiner joiner = new();
        Assert.Equal(video.Whole, video.Chunks.SelectMany((chunk, i) => Joined(joiner, chunk, i)).ToArray());
    }

    [Fact]
    public async Task Chunks_that_were_encoded_apart_are_one_stream()
    {
        const int Seconds = 4;
        var folder = Sources.NewFolder("apart");
        var source = await Sources.GetAsync("25");
        List<byte[]> chunks = [];
        for (var start = 0; start < 20; start += Seconds)
        {
            var path = Path.Combine(folder, $"{start:00}.mp4");
            await Tool.CheckedAsync(
                "ffmpeg", "-v", "error", "-nostdin", "-ss", $"{start}", "-t", $"{Seconds}", "-i", source, "-an", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50",
                "-output_ts_offset", $"{start}", "-movflags", "frag_keyframe+empty_moov+default_base_moof+frag_discont+delay_moov", path);
            chunks.Add(await File.ReadAllBytesAsync(path));
        }

        StreamJoiner joiner = new();
        var joined = Path.Combine(folder, "joined.mp4");
        await File.WriteAllBytesAsync(joined, [.. chunks.SelectMany((chunk, i) => Joined(joiner, chunk, i))]);
        await Tool.CheckedAsync("ffmpeg", "-hide_banner", "-v", "warning", "-nostdin", "-xerror", "-i", joined, "-f", "null", "-");
        var times = (await Tool.ProbeAsync(joined, "v:0", "packet=pts_time")).Select(time => double.Parse(time, CultureInfo.InvariantCulture)).Order().ToList();
        Assert.Equal(500, times.Count); // twenty seconds of 25 pictures, one every 40 ms
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.Equal(0.04, pair.Second - pair.First, 4));
    }

    [Fact]
    public async Task An_index_of_a_single_chunk_is_not_part_of_the_stream()
    {
        var video = await TestVideo.MinuteAsync();
        byte[] index = [.. Box("sidx", new byte[24])];
        byte[] end = [.. Box("mfra", new byte[8])];
        StreamJoiner joiner = new();
        byte[] joined = [.. video.Chunks.SelectMany((chunk, i) => Joined(joiner, [.. index, .. chunk, .. end], i))];
        Assert.Equal(video.Chunks.Sum(chunk => chunk.Length + index.Length + end.Length), joined.Length);
        Assert.Equal(WithoutFreeSpace(video.Whole), WithoutFreeSpace(joined));
    }

    [Theory]
    [InlineData("tkhd", 12)] // the track's id
    [InlineData("mdhd", 12)] // the time scale
    [InlineData("stsd", 40)] // within the codec's own description
    [InlineData("trex", 8)] // the defaults of fragments
    public async Task An_init_that_changes_how_fragments_are_read_is_passed_on(string box, int at)
    {
        var (first, second) = await TwoAsync();
        second[Find(second, box) + 8 + at] ^= 1;
        StreamJoiner joiner = new();
        Assert.NotEmpty(Joined(joiner, first));
        Assert.Equal(second.Length, WithoutFreeSpace(Joined(joiner, second, 1)).Length);
    }

    [Theory]
    [InlineData("mvhd", 4)] // dates
    [InlineData("mvhd", 16)] // the duration
    [InlineData("tkhd", 4)]
    [InlineData("mdhd", 4)]
    public async Task An_init_that_differs_in_nothing_that_matters_becomes_free_space(string box, int at)
    {
        var (first, second) = await TwoAsync();
        second[Find(second, box) + 8 + at] ^= 1;
        StreamJoiner joiner = new();
        Joined(joiner, first);
        var joined = Joined(joiner, second, 1);
        Assert.Equal((second.Length, second.Length - Find(second, "moof")), (joined.Length, WithoutFreeSpace(joined).Length));
    }

    [Fact]
    public void What_is_no_fragmented_mp4_is_passed_on_as_it_is()
    {
        StreamJoiner joiner = new();
        foreach (var chunk in (byte[][])[[], [1, 2, 3], [.. Box("ftyp", [1]), .. Box("moov", [2]), .. Box("mdat", [3])], [.. Box("moof", [1]), 0, 0, 0, 3, 1]])
        {
            Assert.Equal(chunk, Joined(joiner, chunk));
        }
    }

    [Theory]
    [InlineData(7)] // less than a header
    [InlineData(17)] // more than there is
    [InlineData(uint.MaxValue)]
    public void A_box_that_does_not_fit_ends_the_walk(uint length)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, length);
        BoxReader boxes = new(bytes);
        Assert.False(boxes.Read());
        Assert.True(boxes.IsMalformed);
    }

    [Theory]
    [InlineData(16UL, true)]
    [InlineData(24UL, true)]
    [InlineData(15UL, false)]
    [InlineData(25UL, false)]
    [InlineData(0xFFFFFFFF00000018UL, false)]
    public void The_64_bits_of_a_long_size_are_checked_too(ulong length, bool fits)
    {
        var bytes = new byte[24];
        bytes[3] = 1;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), length);
        BoxReader boxes = new(bytes);
        Assert.Equal(fits, boxes.Read());
    }

    [Fact]
    public void Any_bytes_are_walked_to_their_end_within_their_bounds() => FsCheck.Check.One(_config, Prop.ForAll(BoxLike(), bytes =>
    {
        BoxReader boxes = new(bytes);
        var end = 0;
        while (boxes.Read())
        {
            Assert.Equal(end, boxes.Current.Start);
            Assert.True(boxes.Current.Length >= boxes.Current.HeaderLength && boxes.Current.End <= bytes.Length);
            end = boxes.Current.End;
        }

        Assert.Equal(boxes.IsMalformed, end < bytes.Length);
    }));

    [Fact]
    public void Any_bytes_are_joined_without_a_change_of_their_length() => FsCheck.Check.One(_config, Prop.ForAll(BoxLike(), bytes =>
    {
        StreamJoiner joiner = new();
        Joined(joiner, [.. bytes]);
        Assert.Equal(bytes.Length, Joined(joiner, bytes, 1).Length);
        StreamLayout layout = new(new(Guid.Empty, "", 10, "active", [new("c", 0, Math.Max(1, bytes.Length), "", Redundancy.Replication, [], [])]));
        Assert.Equal(bytes.Length + (layout.Length - Math.Max(1, bytes.Length)), Joined(new(layout), bytes).Length);
    }));

    [Fact]
    public void With_the_chunk_before_any_bytes_are_joined_as_with_all_before() => FsCheck.Check.One(_config, Prop.ForAll(ThreeChunks(), chunks =>
    {
        StreamJoiner played = new(), sought = new();
        Joined(played, chunks.First);
        Joined(played, chunks.Second, 1);
        Joined(sought, chunks.Second, 1);
        Assert.Equal(Joined(played, chunks.Third, 2), Joined(sought, chunks.Third, 2));
    }));

    [Fact]
    public async Task A_real_chunk_with_any_bytes_changed_breaks_nothing()
    {
        var video = await TestVideo.MinuteAsync();
        var head = video.Chunks[0][..4096];
        FsCheck.Check.One(_config, Prop.ForAll(ArbMap.Default.ArbFor<(ushort, byte)[]>(), changes =>
        {
            byte[] chunk = [.. head];
            foreach (var (at, value) in changes)
            {
                chunk[at % chunk.Length] = value;
            }

            StreamJoiner joiner = new();
            Assert.Equal(chunk.Length, Joined(joiner, chunk).Length);
        }));
    }

    private static async Task<(byte[] First, byte[] Second)> TwoAsync()
    {
        var video = await TestVideo.MinuteAsync();
        return ([.. video.Chunks[0]], [.. video.Chunks[1]]);
    }

    private static byte[] Joined(StreamJoiner joiner, byte[] chunk, int index = 0) => [.. joiner.Join(index, (byte[])[.. chunk]).SelectMany(part => part.ToArray())];

    private static byte[] WithoutFreeSpace(byte[] stream)
    {
        List<byte> rest = [];
        for (var at = 0; at < stream.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(stream.AsSpan(at));
            rest.AddRange(stream.AsSpan(at + 4, 4).SequenceEqual("free"u8) ? [] : stream[at..(at + length)]);
            at += length;
        }

        return [.. rest];
    }

    private static int Find(byte[] bytes, string box) => bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(box)) - 4;

    private static byte[] Box(string type, byte[] body)
    {
        byte[] box = [0, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(type), .. body];
        BinaryPrimitives.WriteInt32BigEndian(box, box.Length);
        return box;
    }

    /// <summary>Boxes of the known types, nested and broken, with lengths that are nearly right.</summary>
    private static Arbitrary<byte[]> BoxLike()
    {
        var type = Gen.Elements("ftyp", "moov", "trak", "tkhd", "mdia", "mdhd", "minf", "stbl", "stsd", "mvex", "trex", "moof", "mfhd", "mdat", "sidx", "mfra", "none");
        Gen<byte[]> Any(int depth) => depth == 0
            ? ArbMap.Default.GeneratorFor<byte[]>()
            : Gen.ListOf(
                from name in type
                from body in Any(depth - 1)
                from error in Gen.Frequency((12, Gen.Constant(0)), (1, Gen.Choose(-9, 9)), (1, Gen.Choose(int.MinValue, int.MaxValue)))
                select Wrong(Box(name, body), error)).Select(boxes => boxes.SelectMany(box => box).ToArray());
        return Arb.From(Any(4));
    }

    /// <summary>With fragments or without, with one of two inits or with none.</summary>
    private static Arbitrary<(byte[] First, byte[] Second, byte[] Third)> ThreeChunks()
    {
        byte[] moof = [.. Box("moof", Box("mfhd", new byte[8]))];
        var init = Gen.Elements<byte[]>([], [.. Box("ftyp", [1]), .. Box("moov", Box("mvex", Box("trex", [1])))], [.. Box("moov", Box("mvex", Box("trex", [2])))]);
        var chunk = from head in init from fragment in Gen.Elements<byte[]>([], moof, [.. moof, .. moof]) select (byte[])[.. head, .. fragment];
        return Arb.From(from first in chunk from second in chunk from third in chunk select (first, second, third));
    }

    private static byte[] Wrong(byte[] box, int error)
    {
        BinaryPrimitives.WriteInt32BigEndian(box, box.Length + error);
        return box;
    }
}
