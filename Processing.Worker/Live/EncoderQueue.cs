using System.Threading.Channels;

namespace Processing.Worker.Live;

/// <summary>
/// Input on its way to the encoder. It takes everything at once, so that the input is never held back by an encoder that is slow; how far it may fall behind
/// is bounded by <see cref="IsOverrun"/>, beyond which the generation is given up.
/// </summary>
internal sealed class EncoderQueue(TimeProvider time)
{
    /// <summary>Beyond this the stream would not be live any more.</summary>
    private static readonly TimeSpan _mostBehind = TimeSpan.FromSeconds(8);

    private const long MostBytes = 48L << 20;

    private readonly Channel<(byte[] Bytes, long At)> _channel = Channel.CreateUnbounded<(byte[] Bytes, long At)>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private long _waiting;
    private long _oldest = long.MaxValue;

    public bool IsOverrun => Volatile.Read(ref _waiting) > MostBytes || (Volatile.Read(ref _oldest) is var oldest && oldest != long.MaxValue && time.GetElapsedTime(oldest) > _mostBehind);

    public void Add(byte[] bytes)
    {
        Interlocked.Add(ref _waiting, bytes.Length);
        _channel.Writer.TryWrite((bytes, time.GetTimestamp()));
    }

    public void Complete() => _channel.Writer.TryComplete();

    /// <summary>The next bytes, in order; null at the end. What was returned last counts as waiting until the next call.</summary>
    public async ValueTask<byte[]?> NextAsync(CancellationToken ct)
    {
        Volatile.Write(ref _oldest, long.MaxValue);
        while (await _channel.Reader.WaitToReadAsync(ct))
        {
            if (_channel.Reader.TryRead(out var next))
            {
                Interlocked.Add(ref _waiting, -next.Bytes.Length);
                Volatile.Write(ref _oldest, next.At);
                return next.Bytes;
            }
        }

        return null;
    }
}
