using System.Diagnostics;

namespace Testing;

/// <summary>Waits for a condition, never for a time; says what was seen last when it does not come.</summary>
public static class Poll
{
    private static readonly TimeSpan _between = TimeSpan.FromMilliseconds(50);

    public static async Task<T> UntilAsync<T>(Func<Task<T>> look, Func<T, bool> accept, TimeSpan within, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var seen = await look();
            if (accept(seen))
            {
                return seen;
            }

            if (Stopwatch.GetElapsedTime(started) > within)
            {
                throw new TimeoutException($"{what}: not within {within.TotalSeconds:0} s. Last seen: {seen}");
            }

            await Task.Delay(_between, TimeProvider.System);
        }
    }

    public static Task UntilAsync(Func<Task<bool>> holds, TimeSpan within, string what) => UntilAsync(holds, held => held, within, what);
}
