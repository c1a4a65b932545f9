using System.Globalization;

namespace Smart.Client.Terminal;

/// <summary>The program's arguments.</summary>
/// <param name="Settings">For the host: what the options mean as settings, and those that were given as <c>--Section:Name=value</c>.</param>
/// <param name="Problem">What is wrong with them; then the rest means nothing.</param>
internal sealed record CommandLine(
    Guid? VideoId, string? Output, IReadOnlyList<string>? Player, bool IsFast, bool HasDashboard, bool WantsHelp, string[] Settings, string? Problem = null)
{
    public const string Help = """
        usage: smart-client VIDEO_ID [options]     plays a video of the chunk store
               smart-client [--dashboard PORT]     serves the dashboard, which plays on demand

          --metadata URL       the metadata service (METADATA_SERVICE_URL; default http://localhost:8090)
          --output FILE        writes the video as one fragmented MP4; - is standard output
          --player COMMAND     writes it to the standard input of a program: --player 'ffplay -i -'
          --fast               as fast as the nodes give it; default: in real time
          --dashboard PORT     serves the dashboard while it plays (PORT; default 8888)
          --Section:Name=VALUE a setting, as --SmartClient:TargetBufferSeconds=60
          --help

        exit codes: 0 played to the end, 1 failed, 2 wrong arguments, 3 no such video, 130 interrupted

        """;

    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine(null, null, null, false, false, false, []);
        List<string> settings = [];
        for (var i = 0; i < args.Count; i++)
        {
            var (name, value) = Split(args[i]);
            if (value is null && name is ("--metadata" or "--output" or "--player" or "--dashboard" or "--urls"))
            {
                if (i + 1 == args.Count)
                {
                    return line with { Problem = $"{name} needs a value." };
                }

                value = args[++i];
            }

            switch (name)
            {
                case "--help" or "-h":
                    line = line with { WantsHelp = true };
                    break;
                case "--fast":
                    line = line with { IsFast = true };
                    break;
                case "--output":
                    line = line with { Output = value };
                    break;
                case "--player":
                    line = line with { Player = Words(value!) };
                    break;
                case "--metadata":
                    settings.Add($"--METADATA_SERVICE_URL={value}");
                    break;
                case "--dashboard" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= ushort.MaxValue:
                    settings.Add($"--PORT={port}");
                    line = line with { HasDashboard = true };
                    break;
                case "--dashboard":
                    return line with { Problem = $"--dashboard needs a port, not '{value}'." };
                case var _ when IsSetting(name):
                    settings.Add(value is null ? args[i] : $"{name}={value}");
                    break;
                case ['-', ..]:
                    return line with { Problem = $"There is no option {name}." };
                case var _ when line.VideoId is null && Guid.TryParse(args[i], out var videoId):
                    line = line with { VideoId = videoId };
                    break;
                default:
                    return line with { Problem = line.VideoId is null ? $"'{args[i]}' is no video's id: it is a UUID." : "One video at a time." };
            }
        }

        return Check(line with { Settings = [.. settings] });
    }

    private static CommandLine Check(CommandLine line) => line switch
    {
        { Output: not null, Player: not null } => line with { Problem = "--output or --player, not both." },
        { Player.Count: 0 } => line with { Problem = "--player needs a program." },
        { VideoId: null, WantsHelp: false } when line.Output is not null || line.Player is not null || line.IsFast => line with { Problem = "Which video? Give its id." },
        _ => line,
    };

    /// <summary>Those of the host; its own short names are not ours.</summary>
    private static bool IsSetting(string name) => name.StartsWith("--", StringComparison.Ordinal) && (name == "--urls" || name.Contains(':', StringComparison.Ordinal));

    private static (string Name, string? Value) Split(string argument)
    {
        var equals = argument.StartsWith("--", StringComparison.Ordinal) ? argument.IndexOf('=', StringComparison.Ordinal) : -1;
        return equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
    }

    /// <summary>A command as words, quotes keep spaces. No shell reads it.</summary>
    private static List<string> Words(string command)
    {
        List<string> words = [];
        var word = new System.Text.StringBuilder();
        char? quote = null;
        var isOpen = false;
        foreach (var c in command)
        {
            if (c == quote)
            {
                quote = null;
            }
            else if (quote is null && c is ('\'' or '"'))
            {
                (quote, isOpen) = (c, true);
            }
            else if (quote is null && char.IsWhiteSpace(c))
            {
                Close();
            }
            else
            {
                word.Append(c);
                isOpen = true;
            }
        }

        Close();
        return words;

        void Close()
        {
            if (isOpen)
            {
                words.Add(word.ToString());
            }

            word.Clear();
            isOpen = false;
        }
    }
}
