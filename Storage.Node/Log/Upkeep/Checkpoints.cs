using Storage.Node.Log.Superblocks;

namespace Storage.Node.Log.Upkeep;

/// <summary>Keeps starts short: sealed superblocks have a whole checkpoint, the active one a fresh enough one.</summary>
public sealed partial class Checkpoints(LogFolder folder, ILogger logger)
{
    /// <summary>Of the active superblock, at most, that a start has to scan.</summary>
    private const long UncoveredBytes = 32 << 20;

    private readonly Lock _lock = new();

    /// <summary>Where it is time.</summary>
    public void TakeDue() => Take((superblock, active) => superblock.End - superblock.CheckpointedTo > (superblock == active ? UncoveredBytes : 0));

    /// <summary>Of all that has changed.</summary>
    public void TakeAll() => Take((superblock, _) => superblock.End > superblock.CheckpointedTo);

    private void Take(Func<Superblock, Superblock?, bool> isDue)
    {
        lock (_lock)
        {
            var active = folder.Active;
            foreach (var superblock in folder.All().Where(superblock => superblock.Gaps.Count == 0 && isDue(superblock, active)))
            {
                try
                {
                    Checkpoint.Take(folder.Disk, superblock);
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ObjectDisposedException) // the last: taken out meanwhile
                {
                    Log.NotTaken(logger, superblock.Number, exception.Message); // the next start scans, that is all
                }
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "No checkpoint of superblock {Superblock}: {Reason}")]
        public static partial void NotTaken(ILogger logger, uint superblock, string reason);
    }
}
