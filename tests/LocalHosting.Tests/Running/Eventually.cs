namespace LocalHosting.Tests.Running;

/// <summary>Asks until the answer is right; at the deadline the failure shows the last answer.</summary>
internal static class Eventually
{
    public static async Task<T> Holds<T>(Func<Task<T>> ask, Func<T, bool> isRight, double seconds = 20)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            object? last;
            try
            {
                var answer = await ask();
                if (isRight(answer))
                    return answer;
                last = answer;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                last = e.Message;
            }

            if (TimeProvider.System.GetElapsedTime(since).TotalSeconds > seconds)
                throw new TimeoutException($"Not within {seconds} s; last: {last}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
    }

    public static Task<T> Holds<T>(Func<T> ask, Func<T, bool> isRight, double seconds = 20) => Holds(() => Task.FromResult(ask()), isRight, seconds);
}
