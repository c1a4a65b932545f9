namespace Storage.Tests.Nodes.Disks;

/// <summary>What of the steps that no flush has covered is on the disk after the power came back.</summary>
public enum Survivors
{
    Nothing,
    Everything,

    /// <summary>The first of them, and a part of the next.</summary>
    Prefix,

    /// <summary>Any sectors of any write, in any order; names in theirs.</summary>
    Any,
}

/// <summary>Replays recorded steps up to a crash.</summary>
public static class PowerCut
{
    private const int SectorBytes = 512;

    /// <summary>The disk as it may be when the power fails behind the given number of steps.</summary>
    public static MemoryDisk After(IReadOnlyList<Step> steps, int count, Survivors survivors, Random random)
    {
        Dictionary<string, int> names = [];
        Dictionary<int, byte[]> files = [];
        List<Step> pendingNames = [];
        Dictionary<int, List<Step>> pendingWrites = [];
        foreach (var step in steps.Take(count))
        {
            switch (step)
            {
                case Step.Noted noted:
                    noted.Note();
                    break;
                case Step.Created created:
                    files[created.File] = [];
                    pendingWrites[created.File] = [];
                    pendingNames.Add(step);
                    break;
                case Step.Renamed or Step.Deleted:
                    pendingNames.Add(step);
                    break;
                case Step.FolderFlushed:
                    pendingNames.ForEach(pending => MemoryDisk.Perform(pending, names, files));
                    pendingNames.Clear();
                    break;
                case Step.Written { File: var file }:
                    pendingWrites[file].Add(step);
                    break;
                case Step.Truncated { File: var file }:
                    pendingWrites[file].Add(step);
                    break;
                case Step.Flushed { File: var file }:
                    pendingWrites[file].ForEach(pending => MemoryDisk.Perform(pending, names, files));
                    pendingWrites[file].Clear();
                    break;
            }
        }

        var namesKept = survivors switch { Survivors.Nothing => 0, Survivors.Everything => pendingNames.Count, _ => random.Next(pendingNames.Count + 1) };
        pendingNames.Take(namesKept).ToList().ForEach(pending => MemoryDisk.Perform(pending, names, files));
        foreach (var pending in pendingWrites.Values)
        {
            foreach (var survivor in Surviving(pending, survivors, random))
            {
                MemoryDisk.Perform(survivor, names, files);
            }
        }

        return new(names.Select(pair => KeyValuePair.Create(pair.Key, files[pair.Value])));
    }

    private static IEnumerable<Step> Surviving(List<Step> pending, Survivors survivors, Random random)
    {
        switch (survivors)
        {
            case Survivors.Nothing:
                return [];
            case Survivors.Everything:
                return pending;
            case Survivors.Any:
                return pending.SelectMany(step => step is Step.Written written ? Sectors(written).Where(_ => random.Next(2) == 0) : random.Next(2) == 0 ? [step] : []);
            default:
                var whole = random.Next(pending.Count + 1);
                var torn = pending.Skip(whole).Take(1).OfType<Step.Written>().Select(written => written with { Bytes = written.Bytes[..random.Next(written.Bytes.Length)] });
                return pending.Take(whole).Concat(torn);
        }
    }

    private static IEnumerable<Step> Sectors(Step.Written written)
    {
        for (var from = 0; from < written.Bytes.Length; from += SectorBytes)
        {
            yield return new Step.Written(written.File, written.Offset + from, written.Bytes[from..Math.Min(from + SectorBytes, written.Bytes.Length)]);
        }
    }
}
