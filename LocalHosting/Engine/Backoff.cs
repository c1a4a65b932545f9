namespace LocalHosting.Engine;

/// <summary>How long to wait before a program that ended is started again: 1, 2, 4 ... 30 s, from the beginning after a minute of life.</summary>
internal sealed class Backoff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongLife = TimeSpan.FromMinutes(1);
    private TimeSpan _next = First;

    public TimeSpan After(TimeSpan life)
    {
        var delay = life >= LongLife ? First : _next;
        _next = delay * 2 < Longest ? delay * 2 : Longest;
        return delay;
    }
}
