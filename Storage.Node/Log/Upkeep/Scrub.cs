using Storage.Node.Log.Frames;

namespace Storage.Node.Log.Upkeep;

/// <summary>Reads everything again, slowly, so that rot is known before all copies of a chunk have it.</summary>
public sealed partial class Scrub(LogIndex index, ChunkLog log, ILogger logger)
{
    /// <summary>One pass, in the order of the files.</summary>
    /// <param name="bytesPerSecond">Mean rate of reading.</param>
    /// <param name="time">Of the pauses.</param>
    /// <param name="ct">Ends the pass.</param>
    /// <returns>How many corrupt records it met.</returns>
    public async Task<int> RunAsync(long bytesPerSecond, TimeProvider time, CancellationToken ct)
    {
        var corrupt = 0;
        var buffer = new byte[Frame.MostPayloadBytes];
        foreach (var (kind, id, entry) in index.All().OrderBy(record => record.Entry.Superblock.Number).ThenBy(record => record.Entry.Offset).ToList())
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                if (index.Find(kind, id) == entry)
                {
                    log.Verify(id, entry, buffer.AsSpan(0, entry.Length));
                }
            }
            catch (InvalidDataException exception)
            {
                corrupt++;
                Log.Corrupt(logger, exception.Message);
            }
            catch (ObjectDisposedException)
            {
                continue; // moved meanwhile: verified when it was copied
            }
            catch (IOException exception)
            {
                corrupt++;
                entry.IsCorrupt = true;
                Log.Unreadable(logger, id, entry.Superblock.Number, exception.Message);
            }

            await Task.Delay(TimeSpan.FromSeconds((double)entry.TotalBytes / bytesPerSecond), time, ct);
        }

        return corrupt;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "Scrub: {Reason}")]
        public static partial void Corrupt(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Scrub: {Id} in superblock {Superblock} cannot be read: {Reason}")]
        public static partial void Unreadable(ILogger logger, string id, uint superblock, string reason);
    }
}
