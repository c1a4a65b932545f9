using System.Globalization;
using System.Text;
using Storage.Node.Log.Files;
using Storage.Node.Log.Frames;

namespace Storage.Node.Log;

/// <summary>
/// Which records were last seen to be corrupt, in a file beside the log: a start reads headers and no payloads, and would take them for sound, say so
/// to HEAD and consensus, and refuse the PUT that heals them. Each is read again before it is believed; one that a crash forgets is found by the scrub.
/// </summary>
internal sealed partial class CorruptMarks(ILogDisk disk, LogIndex index, Action<string, Entry> verify, ILogger logger)
{
    public const string FileName = "corrupt.marks";

    /// <summary>A disk with more has other troubles; the rest is found by the scrub.</summary>
    private const int Most = 10_000;

    private string _written = "";

    /// <summary>At start.</summary>
    public void Load()
    {
        _written = Encoding.UTF8.GetString(WholeFile.Read(disk, FileName) ?? []);
        foreach (var line in _written.Split('\n', StringSplitOptions.RemoveEmptyEntries).Take(Most))
        {
            if (line.Split(' ') is [var kind, var superblock, var offset, var id] && Enum.TryParse<FrameKind>(kind, out var parsed)
                && index.Find(parsed, id) is { } entry && superblock == Text(entry.Superblock.Number) && offset == Text(entry.Offset))
            {
                Verify(id, entry);
            }
        }
    }

    /// <summary>Where something has changed. Nothing fails by it.</summary>
    public void Save()
    {
        var marks = string.Concat(index.All().Where(record => record.Entry.IsCorrupt).OrderBy(record => record.Entry.Superblock.Number).ThenBy(record => record.Entry.Offset).Take(Most)
            .Select(record => $"{record.Kind} {Text(record.Entry.Superblock.Number)} {Text(record.Entry.Offset)} {record.Id}\n"));
        if (marks == _written)
        {
            return;
        }

        try
        {
            WholeFile.Replace(disk, FileName, Encoding.UTF8.GetBytes(marks));
            _written = marks;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotSaved(logger, exception.Message);
        }
    }

    private void Verify(string id, Entry entry)
    {
        try
        {
            verify(id, entry);
        }
        catch (InvalidDataException exception)
        {
            Log.StillCorrupt(logger, exception.Message);
        }
        catch (IOException exception)
        {
            entry.IsCorrupt = true;
            Log.StillCorrupt(logger, exception.Message);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "As before the start: {Reason}")]
        public static partial void StillCorrupt(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Which records are corrupt could not be noted; after a restart the scrub finds them: {Reason}")]
        public static partial void NotSaved(ILogger logger, string reason);
    }
}
