using System.Runtime.InteropServices;
using Storage.Node.Log.Files;

namespace Storage.Node.Log.Frames;

/// <summary>Bytes between frames that are none.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Gap(long From, long To);

/// <summary>
/// Reads a superblock's headers in their order, not its payloads. Where no frame begins, the next one is searched for, so that
/// damage costs what it hits and nothing behind it.
/// </summary>
public sealed class FrameScan
{
    /// <summary>Read ahead among small frames; behind a large one only its neighbour's header is wanted.</summary>
    private const int WideBytes = 64 << 10;
    private const int NarrowBytes = 4 << 10;

    private readonly ILogFile _file;
    private readonly long _length;
    private readonly byte[] _window = new byte[WideBytes];
    private long _windowAt;
    private int _windowBytes;

    private FrameScan(ILogFile file, SuperblockIdentity identity, long limit)
    {
        (_file, _length) = (file, Math.Min(file.Length, limit));
        Identity = identity;
    }

    /// <summary>With the salt found, where it was not known.</summary>
    public SuperblockIdentity Identity { get; private set; }

    public List<Frame> Frames { get; } = [];

    /// <summary>Each with a frame behind it.</summary>
    public List<Gap> Gaps { get; } = [];

    /// <summary>Behind the last frame.</summary>
    public long End { get; private set; }

    /// <summary>Had been through an fsync when the last frame was written.</summary>
    public long DurableBefore => Frames.Count == 0 ? 0 : Frames.Max(frame => frame.DurableBefore);

    /// <param name="file">The superblock's.</param>
    /// <param name="identity">With a salt of 0 where that is not known.</param>
    /// <param name="from">Where a frame begins, or the end.</param>
    /// <param name="limit">What is behind it does not count.</param>
    public static FrameScan Run(ILogFile file, SuperblockIdentity identity, long from, long limit)
    {
        FrameScan scan = new(file, identity, limit) { End = from };
        while (scan.Next(scan.End) is { } frame)
        {
            if (frame.Offset > scan.End)
            {
                scan.Gaps.Add(new(scan.End, frame.Offset));
            }

            scan.Frames.Add(frame);
            scan.End = frame.End;
        }

        return scan;
    }

    private Frame? Next(long offset)
    {
        var ahead = Frames is [.., { Length: > WideBytes }] ? NarrowBytes : WideBytes;
        if (At(offset, ahead) is { } adjoining)
        {
            return adjoining;
        }

        for (var at = offset + 1; at + Frame.HeaderBytes <= _length;)
        {
            var window = Window(at, Frame.Magic.Length, WideBytes);
            var found = window.IndexOf(Frame.Magic);
            if (found >= 0 && At(at + found, WideBytes) is { } frame)
            {
                return frame;
            }

            // A magic may lie across two windows.
            at += found >= 0 ? found + 1 : window.Length - Frame.Magic.Length + 1;
        }

        return null;
    }

    private Frame? At(long offset, int ahead)
    {
        if (offset + Frame.HeaderBytes > _length)
        {
            return null;
        }

        var header = Window(offset, Frame.HeaderBytes, ahead);
        var frame = Frame.Read(header, offset, Identity);
        if (frame is null || frame.End > _length)
        {
            return null;
        }

        Identity = Identity with { Salt = Frame.SaltOf(header) };
        return frame;
    }

    /// <summary>At least <paramref name="least"/> bytes from <paramref name="offset"/>, which the file has.</summary>
    private ReadOnlySpan<byte> Window(long offset, int least, int ahead)
    {
        if (offset < _windowAt || offset + least > _windowAt + _windowBytes)
        {
            _windowBytes = _file.Read(_window.AsSpan(0, ahead), offset);
            _windowAt = offset;
        }

        return _window.AsSpan(0, _windowBytes)[(int)(offset - _windowAt)..];
    }
}
