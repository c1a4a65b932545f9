using System.Diagnostics;

namespace Bench;

/// <summary>One run of another program: its output, or a failure with the end of what it said. Killed with its children when cancelled.</summary>
public static class Tool
{
    public static async Task<string> RunAsync(string workDir, IReadOnlyList<string> command, CancellationToken ct)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { WorkingDirectory = workDir, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var errors = process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{string.Join(' ', command)} ended with {process.ExitCode}: {await errors}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
