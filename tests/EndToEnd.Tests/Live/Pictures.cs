using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>What was sent, beside what can be seen of it.</summary>
internal static class Pictures
{
    /// <summary>At either end: what the encoder had not yet sent, or the player does not yet show.</summary>
    private const int FewestMissing = SenderClock.FramesPerSecond;

    /// <summary>Where pictures are missing in between, as numbers of the first missing ones. Fails where they come in another order, or begin late, or end early.</summary>
    /// <param name="sent">The sender's times.</param>
    /// <param name="seen">Those in the recording.</param>
    public static List<int> Gaps(IReadOnlyList<long> sent, IReadOnlyList<long> seen)
    {
        var numbers = sent.Select((time, number) => (time, number)).ToDictionary(each => each.time, each => each.number);
        var shown = seen.Select(time => numbers.TryGetValue(time, out var number) ? number : throw new InvalidDataException($"Nobody has sent a picture at {time}.")).ToList();
        Assert.True(shown[0] <= FewestMissing, $"The first {shown[0]} pictures are missing.");
        Assert.True(sent.Count - 1 - shown[^1] <= FewestMissing, $"The last {sent.Count - 1 - shown[^1]} pictures are missing.");
        Assert.All(shown.Zip(shown.Skip(1)), pair => Assert.True(pair.Second >= pair.First, $"{pair.Second} comes after {pair.First}"));
        return [.. shown.Zip(shown.Skip(1)).Where(pair => pair.Second > pair.First + 1).Select(pair => pair.First + 1)];
    }
}
