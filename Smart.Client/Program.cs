using Smart.Client;
using Smart.Client.Terminal;

// 1. What is asked for.
var line = CommandLine.Parse(args);
if (line.Problem is { } problem)
{
    await Console.Error.WriteLineAsync($"smart-client: {problem}\nTry 'smart-client --help'.");
    return ExitCodes.Usage;
}

if (line.WantsHelp)
{
    await Console.Out.WriteAsync(CommandLine.Help);
    return ExitCodes.Played;
}

// 2. A video: it is played here, and the dashboard, if wanted, shows how.
if (line.VideoId is { } videoId)
{
    return await ConsolePlayback.RunAsync(line, videoId);
}

// 3. None: the dashboard, idle until somebody presses play.
try
{
    await SmartClient.Build(line.Settings).RunAsync();
    return ExitCodes.Played;
}
catch (IOException exception)
{
    await Console.Error.WriteLineAsync($"smart-client: {exception.Message}"); // its port is taken
    return ExitCodes.Failed;
}
