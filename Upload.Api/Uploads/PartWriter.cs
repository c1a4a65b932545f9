using Lifecycle.Store.Objects;

namespace Upload.Api.Uploads;

/// <summary>
/// Cuts a stream into parts and puts them into an S3 multipart upload while the next ones are read: at most two parts on
/// their way and one being filled, whatever the file's size.
/// </summary>
internal sealed class PartWriter(ObjectStore objects, string key, string uploadId, int partBytes) : IAsyncDisposable
{
    private const int InFlight = 2;

    private readonly Queue<(Task<UploadedPart> Put, byte[] Buffer)> _puts = new();
    private readonly Stack<byte[]> _free = new();
    private readonly List<UploadedPart> _parts = [];

    /// <summary>Reads <paramref name="source"/> to its end.</summary>
    /// <returns>The parts in order; at least one unless the stream is empty.</returns>
    /// <exception cref="UploadTooLargeException">More than <paramref name="maxBytes"/>.</exception>
    public async Task<IReadOnlyList<UploadedPart>> WriteAsync(Stream source, RunningDigest digest, long maxBytes, CancellationToken ct)
    {
        for (var number = 1; ; number++)
        {
            var buffer = _free.TryPop(out var used) ? used : GC.AllocateUninitializedArray<byte>(partBytes);
            var filled = await FillAsync(source, buffer, digest, maxBytes, ct);
            if (filled > 0)
            {
                _puts.Enqueue((objects.PutPartAsync(key, uploadId, number, buffer, filled, ct), buffer));
            }

            if (filled < partBytes)
            {
                await DrainAsync(0);
                return _parts;
            }

            await DrainAsync(InFlight);
        }
    }

    /// <summary>Waits for what is on its way: the buffers must not be reused under a running request.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var (put, _) in _puts)
        {
            await ((Task)put).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task DrainAsync(int leave)
    {
        while (_puts.Count > leave)
        {
            var (put, buffer) = _puts.Peek();
            _parts.Add(await put);
            _puts.Dequeue();
            _free.Push(buffer);
        }
    }

    private static async Task<int> FillAsync(Stream source, byte[] buffer, RunningDigest digest, long maxBytes, CancellationToken ct)
    {
        var filled = 0;
        while (filled < buffer.Length)
        {
            var read = await source.ReadAsync(buffer.AsMemory(filled), ct);
            if (read == 0)
            {
                break;
            }

            digest.Append(buffer.AsSpan(filled, read));
            filled += read;
            if (digest.Bytes > maxBytes)
            {
                throw new UploadTooLargeException();
            }
        }

        return filled;
    }
}

/// <summary>The body is larger than it may be.</summary>
internal sealed class UploadTooLargeException : Exception;
