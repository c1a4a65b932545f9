using System.Collections.Concurrent;
using Storage.Tests.Nodes.Disks;
using Xunit;

namespace Storage.Tests.Nodes.Logs;

/// <summary>What was begun and what was acknowledged, noted among the disk's steps, so that a replay knows what a crash may not lose.</summary>
public sealed class History
{
    public const int IdsPerWorker = 4;

    private readonly ConcurrentDictionary<string, List<byte[]?>> _allowed = new();
    private readonly ConcurrentDictionary<string, (long Begun, long Acknowledged)> _ballots = new();
    private readonly ConcurrentDictionary<string, long> _lastBallot = new();

    public static IReadOnlyList<string> Ids { get; } = [.. Enumerable.Range(0, 4).SelectMany(worker => Enumerable.Range(0, IdsPerWorker).Select(number => $"w{worker}-{number}"))];

    /// <param name="bytes">Null: deleted.</param>
    /// <returns>To be called when it is acknowledged.</returns>
    public Action Begin(MemoryDisk disk, string id, byte[]? bytes)
    {
        disk.Note(() => Of(id).Add(bytes));
        return () => disk.Note(() => _allowed[id] = [bytes]);
    }

    public (long Number, Action Acknowledged) NextBallot(MemoryDisk disk, string id)
    {
        var number = _lastBallot.AddOrUpdate(id, 1, static (_, last) => last + 1);
        disk.Note(() => _ballots[id] = (number, _ballots.GetValueOrDefault(id).Acknowledged));
        return (number, () => disk.Note(() => _ballots[id] = (number, number)));
    }

    /// <summary>Before another replay.</summary>
    public void Forget()
    {
        _allowed.Clear();
        _ballots.Clear();
    }

    public void Verify(LogHost host, string when)
    {
        foreach (var id in Ids)
        {
            var found = Look(host, id);
            Assert.True(Of(id).Exists(allowed => allowed is null ? found is null : found is not null && found.AsSpan().SequenceEqual(allowed)), $"{id}: {found?.Length} bytes, {when}");
        }

        foreach (var (id, (begun, acknowledged)) in _ballots)
        {
            long promised;
            try
            {
                var state = host.Log.AcceptorStateOf(id);
                promised = state.Promised;
                Assert.Equal(promised == 0 ? null : $"value {promised}", state.AcceptedValue);
            }
            catch (InvalidDataException)
            {
                Assert.True(begun > acknowledged, $"{id} abstains without a reason, {when}");
                continue;
            }

            Assert.InRange(promised, acknowledged, begun);
        }
    }

    /// <summary>A corrupt one was never acknowledged: it is as good as none.</summary>
    public static byte[]? Look(LogHost host, string id)
    {
        try
        {
            return host.Read(id);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private List<byte[]?> Of(string id) => _allowed.GetOrAdd(id, _ => [null]);
}
