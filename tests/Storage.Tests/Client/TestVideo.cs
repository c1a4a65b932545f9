using System.Buffers.Binary;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Testing.Media;

namespace Storage.Tests.Client;

/// <summary>A minute of test picture and tone as six chunks, each a fragmented MP4 with the init, and with the times of the whole.</summary>
/// <param name="Whole">What the joined stream has to be: init and fragments as ffmpeg wrote them, numbered through, and free space where further inits were.</param>
/// <param name="Indexed">The same with its index behind the first init: what is sought in.</param>
internal sealed record TestVideo(IReadOnlyList<byte[]> Chunks, byte[] Whole, byte[] Indexed)
{
    public const int Seconds = 60;
    public const int FramesPerSecond = 10;

    private static readonly Lazy<Task<TestVideo>> _minute = new(MakeAsync);

    public static Task<TestVideo> MinuteAsync() => _minute.Value;

    public ChunkManifest ManifestOf(Guid videoId, IReadOnlyList<string> nodeUrls) => new(videoId, "A minute", Seconds, "active",
    [
        .. Chunks.Select((chunk, index) => new ChunkPlace(
            ChunkNames.Chunk(videoId, index), index, chunk.Length, Checksum.HexOf(chunk), Redundancy.Replication,
            [.. Enumerable.Range(0, nodeUrls.Count).Select(i => nodeUrls[(i + index) % nodeUrls.Count])], [])),
    ]);

    /// <summary>An init and one fragment of ffmpeg's file are one chunk: the keyframes are ten seconds apart.</summary>
    private static async Task<TestVideo> MakeAsync()
    {
        var path = await Sources.MakeAsync("minute", "mp4",
        [
            "-f", "lavfi", "-i", Sources.Picture("10", Seconds, size: "160x90"), "-f", "lavfi", "-i", Sources.Sine(Seconds), "-c:v", "libx264", "-preset", "ultrafast",
            "-pix_fmt", "yuv420p", "-g", "100", "-bf", "2", "-c:a", "aac", "-b:a", "48k", "-movflags", "frag_keyframe+empty_moov+default_base_moof",
        ]);
        var file = await File.ReadAllBytesAsync(path);
        List<(string Type, byte[] Bytes)> boxes = [];
        for (var at = 0; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            boxes.Add((System.Text.Encoding.ASCII.GetString(file, at + 4, 4), file[at..(at + length)]));
            at += length;
        }

        byte[] init = [.. boxes.Where(box => box.Type is "ftyp" or "moov").SelectMany(box => box.Bytes)];
        var fragments = boxes.Where(box => box.Type is "moof" or "mdat").Select(box => box.Bytes).Chunk(2).Select(pair => (byte[])[.. pair[0], .. pair[1]]).ToList();
        if (fragments.Count != Seconds / ChunkLimits.ChunkSeconds)
        {
            throw new InvalidOperationException($"ffmpeg made {fragments.Count} fragments.");
        }

        byte[] room = [.. boxes.Where(box => box.Type is "ftyp" or "moov").SelectMany(box => (byte[])[.. box.Bytes[..4], .. "free"u8, .. box.Bytes[8..]])];
        byte[] whole = [.. init, .. fragments[0], .. fragments.Skip(1).SelectMany((fragment, i) => Numbered([.. room, .. fragment], room.Length, ((i + 1) << 17) + 1))];
        return new(
            [.. fragments.Select(fragment => Numbered([.. init, .. fragment], init.Length, 1))], whole, [.. init, .. Index(fragments.Select((fragment, i) => fragment.Length + (i == 0 ? 0 : room.Length))), .. whole[init.Length..]]);
    }

    /// <summary>A sidx (ISO 14496-12, 8.16.3) of subsegments of ten seconds; the pictures are track 1.</summary>
    private static byte[] Index(IEnumerable<int> lengths)
    {
        List<uint> words = [0, 0x73696478, 0, 1, 1000, 0, 0, (uint)(Seconds / ChunkLimits.ChunkSeconds)];
        words.AddRange(lengths.SelectMany(length => (uint[])[(uint)length, 10_000, 0x90000000]));
        words[0] = (uint)words.Count * 4;
        var index = new byte[words.Count * 4];
        foreach (var (i, word) in words.Index())
        {
            BinaryPrimitives.WriteUInt32BigEndian(index.AsSpan(i * 4), word);
        }

        return index;
    }

    /// <summary>A chunk that was made alone counts its fragments from 1.</summary>
    private static byte[] Numbered(byte[] chunk, int moof, int number)
    {
        BinaryPrimitives.WriteInt32BigEndian(chunk.AsSpan(moof + 20), number); // moof's header, mfhd's header, version and flags
        return chunk;
    }
}
