using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace Storage.Fabric.Chunks;

/// <summary>What is to be read: a chunk, or a fragment, which is a chunk to its node.</summary>
internal sealed record Wanted(string NodeUrl, string Id, int SizeBytes, string Checksum);

/// <summary>One GET to one node, verified. A node may send anything: no byte past the declared size and one is read.</summary>
internal sealed class ChunkFetch(HttpClient http, TimeProvider time, Action<TransferSample>? observe)
{
    /// <summary>Without a byte for so long, a node counts as hung.</summary>
    private static readonly TimeSpan _stalledAfter = TimeSpan.FromSeconds(2);

    /// <summary>Of one GET however steadily it drips: 2 MiB at 0.6 Mbit/s.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(30);

    /// <summary>Null: failed, with the reason in <paramref name="failures"/>, or cancelled.</summary>
    public async Task<byte[]?> GetAsync(Wanted wanted, RecentDurations recent, ConcurrentQueue<string> failures, CancellationToken ct)
    {
        Progress progress = new(time.GetTimestamp());
        using CancellationTokenSource stalled = new(_stalledAfter, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, stalled.Token);
        string failure;
        try
        {
            var bytes = await ReadAsync(wanted, progress, stalled, either.Token);
            recent.Add(time.GetElapsedTime(progress.Started));
            observe?.Invoke(new(wanted.NodeUrl, time.GetElapsedTime(progress.Started), progress.Bytes, true));
            return bytes;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Others were sooner, or nobody wants it any more. That says nothing against the node, so nobody is told.
            recent.AddCutShort(time.GetElapsedTime(progress.Started));
            return null;
        }
        catch (OperationCanceledException)
        {
            failure = string.Create(CultureInfo.InvariantCulture, $"no byte for {_stalledAfter.TotalSeconds:0.#} s");
        }
        catch (Exception exception) when (exception is InvalidDataException or HttpRequestException or IOException)
        {
            failure = exception.Message;
        }

        failures.Enqueue($"{wanted.NodeUrl}: {failure}");
        observe?.Invoke(new(wanted.NodeUrl, time.GetElapsedTime(progress.Started), progress.Bytes, false));
        return null;
    }

    private async Task<byte[]> ReadAsync(Wanted wanted, Progress progress, CancellationTokenSource stalled, CancellationToken ct)
    {
        if (!NodeUrl.TryOfChunk(wanted.NodeUrl, wanted.Id, out var address))
        {
            throw new InvalidDataException("no address of a chunk");
        }

        using HttpRequestMessage request = new(HttpMethod.Get, address);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new InvalidDataException($"status {(int)response.StatusCode}");
        }

        if (response.Content.Headers.ContentLength is { } length && length != wanted.SizeBytes)
        {
            throw new InvalidDataException($"{length} bytes instead of {wanted.SizeBytes}");
        }

        await using var body = await response.Content.ReadAsStreamAsync(ct);
        var bytes = GC.AllocateUninitializedArray<byte>(wanted.SizeBytes);
        while (progress.Bytes < bytes.Length)
        {
            var read = await body.ReadAsync(bytes.AsMemory(progress.Bytes), ct);
            progress.Bytes += read;
            if (read == 0 || time.GetElapsedTime(progress.Started) > _longest)
            {
                throw new InvalidDataException($"{progress.Bytes} bytes of {wanted.SizeBytes}, then {(read == 0 ? "the end" : "the time was over")}");
            }

            stalled.CancelAfter(_stalledAfter);
        }

        if (await body.ReadAsync(new byte[1], ct) > 0)
        {
            throw new InvalidDataException($"more than {wanted.SizeBytes} bytes");
        }

        return Checksum.HexOf(bytes) == wanted.Checksum ? bytes : throw new InvalidDataException("wrong checksum");
    }

    private sealed class Progress(long started)
    {
        public long Started => started;

        public int Bytes { get; set; }
    }
}
