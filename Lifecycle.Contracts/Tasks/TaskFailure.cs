namespace Lifecycle.Contracts.Tasks;

/// <summary>Why a task failed, in the categories of seed 004's dead letter queue.</summary>
public enum FailureCategory
{
    Media,
    Storage,
    Resources,
    Timeout,
    Crash,
    Cancelled,
    Unknown,
}

/// <param name="Category">What kind of thing went wrong.</param>
/// <param name="Reason">One sentence for the video's owner.</param>
/// <param name="Detail">The tail of ffmpeg's stderr or the exception; at most <see cref="Limits.FailureDetailChars"/>.</param>
/// <param name="IsPermanent">True when another attempt cannot end otherwise.</param>
public sealed record TaskFailure(FailureCategory Category, string Reason, string? Detail, bool IsPermanent)
{
    public string CategoryName => Category.ToString().ToLowerInvariant();
}

/// <summary>When a failed task runs again.</summary>
public sealed class RetrySchedule
{
    /// <summary>Seed 004's steps: 1, 2, 4, 8 and 16 minutes after the first to fifth failure.</summary>
    public IReadOnlyList<TimeSpan> Delays { get; init; } = [.. Enumerable.Range(0, 5).Select(n => TimeSpan.FromMinutes(1 << n))];

    /// <summary>The delay before the next run, or null when <paramref name="attempt"/> (1 for the first run) was the last one.</summary>
    public TimeSpan? DelayAfter(int attempt) => attempt >= 1 && attempt <= Delays.Count ? Delays[attempt - 1] : null;
}
