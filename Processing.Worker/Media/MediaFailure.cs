namespace Processing.Worker.Media;

/// <summary>Why media work ended without a result. Only <see cref="Media"/> is permanent: the same file fails again.</summary>
public enum MediaFailureCategory
{
    /// <summary>The source cannot be used.</summary>
    Media,

    /// <summary>Disk full or a file that could not be read or written.</summary>
    Storage,

    /// <summary>Out of memory, killed, a limit of the sandbox.</summary>
    Resources,

    /// <summary>No progress, or not done in time.</summary>
    Timeout,

    /// <summary>ffmpeg crashed.</summary>
    Crash,

    /// <summary>None of the above could be told.</summary>
    Unknown,
}

/// <summary>A failure as it is stored, shown and decided upon.</summary>
/// <param name="Category">Decides whether a retry makes sense.</param>
/// <param name="Message">One sentence for the owner of the video.</param>
/// <param name="StderrTail">The end of ffmpeg's messages; empty where none ran. Local paths are cut out.</param>
public sealed record MediaFailure(MediaFailureCategory Category, string Message, string StderrTail)
{
    public bool IsPermanent => Category is MediaFailureCategory.Media;
}

/// <summary>Media work failed; <see cref="Failure"/> says how. Cancellation is an <see cref="OperationCanceledException"/> instead.</summary>
public class MediaFailureException(MediaFailure failure) : Exception(failure.Message)
{
    public MediaFailure Failure { get; } = failure;
}

/// <summary>The source cannot be used: permanent.</summary>
public sealed class MediaUnusableException(string reason, string stderrTail = "")
    : MediaFailureException(new MediaFailure(MediaFailureCategory.Media, reason, stderrTail));
