namespace Smart.Client.Buffering;

public enum BufferState
{
    /// <summary>Nothing is there.</summary>
    Empty,

    /// <summary>Less than a playback starts with.</summary>
    Initializing,

    /// <summary>Less than where downloading begins again.</summary>
    Low,

    /// <summary>Enough.</summary>
    Healthy,

    /// <summary>The target or more; nothing is asked for.</summary>
    Full,
}

/// <summary>Where one state ends and the next begins, in seconds of video ahead of the viewer.</summary>
public sealed record BufferLevels(double Target, double RefillBelow, double StartAt)
{
    public static BufferLevels Of(SmartClientOptions options) => new(options.TargetBufferSeconds, options.RefillBelowSeconds, options.StartAtSeconds);

    public BufferState StateOf(double level) => level switch
    {
        <= 0 => BufferState.Empty,
        _ when level < StartAt => BufferState.Initializing,
        _ when level < RefillBelow => BufferState.Low,
        _ when level < Target => BufferState.Healthy,
        _ => BufferState.Full,
    };

    /// <summary>0 to 100.</summary>
    public double HealthPercent(double level) => Math.Clamp(level / Target * 100, 0, 100);

    /// <summary>Between refill and target it goes on with what it does: downloads come in bursts, not one by one.</summary>
    public bool ShouldFill(double level, bool isFilling) => level < RefillBelow || (isFilling && level < Target);
}
