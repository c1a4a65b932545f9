namespace Smart.Client.Terminal;

/// <summary>What the program's end says.</summary>
internal static class ExitCodes
{
    public const int Played = 0;

    /// <summary>Nodes, the metadata service, the output or the player failed.</summary>
    public const int Failed = 1;

    public const int Usage = 2;

    public const int NoSuchVideo = 3;

    /// <summary>Ctrl-C, as shells count it.</summary>
    public const int Interrupted = 130;
}
