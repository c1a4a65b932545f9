using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;

namespace Live.Api.Streams;

/// <summary>Two requests are the same when they say the same: neither blanks, nor the order of members, nor the offset of a time makes another one.</summary>
internal static class CanonicalRequest
{
    public static StreamRequest Of(string streamId, string title, DateTimeOffset startTime, IReadOnlyList<IngestEndpoint> endpoints, SortedDictionary<string, string> metadata)
    {
        ArrayBufferWriter<byte> bytes = new(1024);
        using (Utf8JsonWriter writer = new(bytes))
        {
            writer.WriteStartArray();
            writer.WriteStringValue(streamId);
            writer.WriteStringValue(title);
            writer.WriteStringValue(startTime.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
            JsonSerializer.Serialize(writer, endpoints, StreamJson.Default.IReadOnlyListIngestEndpoint);
            JsonSerializer.Serialize(writer, metadata, StreamJson.Default.IReadOnlyDictionaryStringString);
            writer.WriteEndArray();
        }

        return new(streamId, title, startTime, endpoints, metadata, SHA256.HashData(bytes.WrittenSpan));
    }
}
