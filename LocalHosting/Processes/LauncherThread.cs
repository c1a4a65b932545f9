using System.Collections.Concurrent;
using System.Diagnostics;

namespace LocalHosting.Processes;

/// <summary>
/// Starts every process from one thread that lives as long as the engine: Linux ties the parent-death signal to the thread that forked,
/// and a thread-pool thread that retires would end its children.
/// </summary>
internal sealed class LauncherThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];

    public LauncherThread() => new Thread(Run) { Name = "process launcher", IsBackground = true }.Start();

    public Task<Process> StartAsync(ProcessStartInfo info)
    {
        var done = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                done.SetResult(Process.Start(info)!);
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    public void Dispose() => _work.CompleteAdding();

    private void Run()
    {
        foreach (var action in _work.GetConsumingEnumerable())
            action();
        _work.Dispose();
    }
}
