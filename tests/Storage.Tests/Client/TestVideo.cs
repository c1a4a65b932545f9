using System.Buffers.Binary;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Testing.Media;

namespace Storage.Tests.Client;

/// <summary>A minute of test picture and tone as six chunks, each a fragmented MP4 with the init, and with the times of the whole.</summary>
/// <param name="Whole">Init and fragments as ffmpeg wrote them: what the joined stream has to be.</param>
internal sealed record TestVideo(IReadOnlyList<byte[]> Chunks, byte[] Whole)
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
        return fragments.Count == Seconds / ChunkLimits.ChunkSeconds
            ? new([.. fragments.Select(fragment => Numbered([.. init, .. fragment], init.Length, 1))], [.. init, .. fragments.SelectMany(fragment => fragment)])
            : throw new InvalidOperationException($"ffmpeg made {fragments.Count} fragments.");
    }

    /// <summary>A chunk that was made alone counts its fragments from 1.</summary>
    private static byte[] Numbered(byte[] chunk, int moof, int number)
    {
        BinaryPrimitives.WriteInt32BigEndian(chunk.AsSpan(moof + 20), number); // moof's header, mfhd's header, version and flags
        return chunk;
    }
}
