using System.Diagnostics;
using Xunit;

namespace Testing.Media;

/// <summary>Runs the checkers: plain ffmpeg and ffprobe, not the engine's own runner.</summary>
public static class Tool
{
    public static async Task<(string Output, string Messages)> RunAsync(string tool, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(10), TimeProvider.System);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var messages = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (await output, (await messages).Trim());
    }

    public static async Task<string> CheckedAsync(string tool, params IEnumerable<string> arguments)
    {
        var list = arguments.ToList();
        var (output, messages) = await RunAsync(tool, list);
        Assert.True(messages.Length == 0, $"{tool} {string.Join(' ', list)}\n{messages}");
        return output;
    }

    /// <summary>ffprobe's rows.</summary>
    /// <param name="input">Options and <c>-i</c> with the address.</param>
    /// <param name="stream">A stream specifier.</param>
    /// <param name="entries">As <c>-show_entries</c> takes them.</param>
    public static async Task<List<string>> ProbeAsync(IEnumerable<string> input, string stream, string entries)
    {
        var (output, _) = await RunAsync("ffprobe", ["-v", "error", .. input, "-select_streams", stream, "-show_entries", entries, "-of", "csv=p=0"]);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd(','))];
    }

    public static Task<List<string>> ProbeAsync(string path, string stream, string entries) => ProbeAsync(["-i", path], stream, entries);
}
