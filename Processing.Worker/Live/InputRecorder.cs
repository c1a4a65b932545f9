using System.Globalization;
using System.Threading.Channels;
using Lifecycle.Store.Live;
using Lifecycle.Store.Objects;

namespace Processing.Worker.Live;

/// <summary>
/// Keeps a generation's input as it came, in pieces of about two seconds that end at a packet of the transport stream. A store that does not keep up holds
/// the input back: memory is bounded by the pieces that wait.
/// </summary>
internal sealed class InputRecorder : IDisposable
{
    private const int PacketBytes = 188;

    /// <summary>About what the fastest accepted input brings in two seconds.</summary>
    private const int MostPieceBytes = 12 << 20;

    /// <summary>Pieces that wait for the store, beside the one that is filled.</summary>
    private const int MostWaiting = 6;

    private static readonly TimeSpan _pieceLasts = TimeSpan.FromSeconds(2);

    private readonly Generation _generation;
    private readonly ObjectStore _objects;
    private readonly LiveSegments _segments;
    private readonly TimeProvider _time;
    private readonly Channel<byte[]> _pieces = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, SingleWriter = true });
    private readonly Task _keeping;
    private readonly MemoryStream _filling = new();
    private long _fillingSince;

    /// <summary>Ends when nothing more is kept: with a failure where the store would not take a piece.</summary>
    public Task Keeping => _keeping;

    /// <param name="held">Ends with the session's lease.</param>
    public InputRecorder(Generation generation, ObjectStore objects, LiveSegments segments, TimeProvider time, CancellationToken held)
    {
        (_generation, _objects, _segments, _time, _fillingSince) = (generation, objects, segments, time, time.GetTimestamp());
        _keeping = KeepAsync(held);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        _filling.Write(bytes.Span);
        if (_filling.Length >= MostPieceBytes || _time.GetElapsedTime(_fillingSince) >= _pieceLasts)
        {
            await CutAsync(ct);
        }
    }

    /// <summary>Keeps what is left. A generation that never got its number keeps nothing.</summary>
    public async Task CompleteAsync(CancellationToken ct)
    {
        _generation.EndsWithoutNumber(); // the encoder is done: pieces that wait for a number wait in vain
        try
        {
            await CutAsync(ct);
        }
        finally
        {
            _pieces.Writer.TryComplete();
            await _keeping.WaitAsync(ct);
        }
    }

    public void Dispose() => _filling.Dispose();

    private async Task CutAsync(CancellationToken ct)
    {
        var whole = (int)_filling.Length / PacketBytes * PacketBytes;
        if (whole == 0)
        {
            return;
        }

        var piece = _filling.GetBuffer().AsSpan(0, whole).ToArray();
        var rest = _filling.GetBuffer().AsSpan(whole, (int)_filling.Length - whole).ToArray();
        _filling.SetLength(0);
        _filling.Write(rest);
        _fillingSince = _time.GetTimestamp();
        try
        {
            await _pieces.Writer.WriteAsync(piece, ct);
        }
        catch (ChannelClosedException)
        {
            // Nothing is kept any more: why, everybody else sees soon.
        }
    }

    private async Task KeepAsync(CancellationToken held)
    {
        try
        {
            var index = 0;
            await foreach (var piece in _pieces.Reader.ReadAllAsync(held))
            {
                var key = _generation.KeyOf(string.Create(CultureInfo.InvariantCulture, $"input-{index++:D6}.ts"));
                await StoreRetry.UntilDoneAsync(async ct =>
                {
                    using MemoryStream body = new(piece, writable: false);
                    await _objects.PutAsync(key, body, ct);
                    return true;
                }, _time, held);
                if (await _generation.Number.WaitAsync(held) is not { } number
                    || !await StoreRetry.UntilDoneAsync(ct => _segments.RecordAsync(_generation.Session, number, key, piece.Length, ct), _time, held))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The lease is gone: what is not noted is swept.
        }
        finally
        {
            _pieces.Writer.TryComplete();
        }
    }
}
