namespace LocalHosting.Engine;

/// <summary>How long to wait before a program that ended is started again: 1, 2, 4 ... s, from the beginning after a minute of life.</summary>
/// <param name="longest">It grows no further.</param>
internal sealed class Backoff(TimeSpan longest)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongLife = TimeSpan.FromMinutes(1);
    private TimeSpan _next = First;

    public TimeSpan After(TimeSpan life)
    {
        var delay = life >= LongLife ? First : _next;
        _next = delay * 2 < longest ? delay * 2 : longest;
        return delay;
    }
}
