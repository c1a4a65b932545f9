using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace Storage.Fabric.Chunks;

/// <summary>One PUT to one node.</summary>
internal sealed class ChunkPut(HttpClient http, TimeProvider time)
{
    /// <summary>Of one PUT: 2 MiB at 1.7 Mbit/s. A hung node is hedged long before.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10);

    /// <summary>The node's URL when it holds these bytes durably. Null: failed, with the reason in <paramref name="failures"/>, or cancelled, and then it may hold them.</summary>
    public async Task<string?> PutAsync(string nodeUrl, string id, ReadOnlyMemory<byte> bytes, string checksum, ConcurrentQueue<string> failures, CancellationToken ct)
    {
        using CancellationTokenSource deadline = new(_longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        string failure;
        try
        {
            if (!NodeUrl.TryOfChunk(nodeUrl, id, out var address))
            {
                throw new InvalidDataException("no address of a chunk");
            }

            using HttpRequestMessage request = new(HttpMethod.Put, address) { Content = new ReadOnlyMemoryContent(bytes) };
            request.Content.Headers.ContentType = new("application/octet-stream");
            request.Headers.Add("X-Chunk-Checksum", checksum);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            failure = Judge(response, checksum);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return null;
        }
        catch (OperationCanceledException)
        {
            failure = string.Create(CultureInfo.InvariantCulture, $"no answer within {_longest.TotalSeconds:0.#} s");
        }
        catch (Exception exception) when (exception is InvalidDataException or HttpRequestException or IOException)
        {
            failure = exception.Message;
        }

        if (failure.Length == 0)
        {
            return nodeUrl;
        }

        failures.Enqueue($"{nodeUrl}: {failure}");
        return null;
    }

    /// <summary>Empty: it holds the bytes. 200 says only that the id was there before: with another content it is no copy.</summary>
    private static string Judge(HttpResponseMessage response, string checksum)
    {
        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK))
        {
            return $"status {(int)response.StatusCode}";
        }

        // Seed 002's ETag has no quotes, so it is none to the typed headers.
        var tag = response.Headers.NonValidated.TryGetValues("ETag", out var values) ? values.ToString().Trim('"') : null;
        return Checksum.TryParse(tag, out var held) && held != checksum ? "another content has this id" : "";
    }
}
