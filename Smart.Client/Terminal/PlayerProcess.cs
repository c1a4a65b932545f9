using System.Diagnostics;

namespace Smart.Client.Terminal;

/// <summary>A program that plays what is written to its standard input. What it prints goes to this program's own output and errors.</summary>
internal sealed class PlayerProcess : IAsyncDisposable
{
    private static readonly TimeSpan _endWithin = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly TimeProvider _time;

    private PlayerProcess(Process process, TimeProvider time) => (_process, _time) = (process, time);

    public Stream Input => _process.StandardInput.BaseStream;

    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    public static PlayerProcess Start(IReadOnlyList<string> command, TimeProvider time) =>
        new(Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true, UseShellExecute = false })!, time);

    /// <summary>Says that this was all, and lets it show the rest.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> FinishAsync(CancellationToken ct)
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already.
        }

        await _process.WaitForExitAsync(ct);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            using CancellationTokenSource within = new(_endWithin, _time);
            await _process.WaitForExitAsync(within.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _process.Dispose();
    }
}
