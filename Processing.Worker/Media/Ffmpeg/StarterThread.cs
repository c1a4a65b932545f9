using System.Collections.Concurrent;
using System.Diagnostics;

namespace Processing.Worker.Media.Ffmpeg;

/// <summary>
/// Starts child processes from one thread that lives as long as this object. The kernel delivers a parent-death signal when the <em>thread</em>
/// that forked ends (prctl(2), PR_SET_PDEATHSIG): children started from the thread pool would die with an idle pool thread.
/// Disposing ends the thread, and with it every child that is still running.
/// </summary>
internal sealed class StarterThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];

    public StarterThread() => new Thread(Run) { IsBackground = true, Name = "ffmpeg-starter" }.Start();

    public Task<Process> StartAsync(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(start)!);
            }
            catch (Exception failure)
            {
                started.SetException(failure);
            }
        });
        return started.Task;
    }

    public void Dispose() => _work.CompleteAdding();

    private void Run()
    {
        foreach (var action in _work.GetConsumingEnumerable())
            action();
    }
}
