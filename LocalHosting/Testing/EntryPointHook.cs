using System.Reflection;
using Aspire.Hosting;
using LocalHosting.Model;

namespace LocalHosting.Testing;

/// <summary>
/// Runs an AppHost's own entry point up to Build(): the builder is handed to the test, which may change it, and waits for the test's word;
/// the application is handed over as well, and the entry point ends there, so that its Run() never runs.
/// </summary>
internal sealed class EntryPointHook(Assembly assembly, string[] args)
{
    private static readonly AsyncLocal<EntryPointHook?> Local = new();
    private readonly TaskCompletionSource<ApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _app = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _abandoned;

    public static EntryPointHook? Current => Local.Value;

    /// <summary>Defaults of tests: state of their own, any free port, quiet, and soon there again.</summary>
    public IReadOnlyDictionary<string, string?> Configuration { get; } = new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["LocalHosting:Ephemeral"] = "true",
        ["LocalHosting:ConsoleLogs"] = "false",
        ["LocalHosting:LongestRestartDelaySeconds"] = "2",
    };

    public Task<ApplicationBuilder> StartAsync()
    {
        // A thread of its own: Main blocks in Build() until the test has its application.
        new Thread(RunMain) { Name = "AppHost entry point", IsBackground = true }.Start();
        return _builder.Task;
    }

    public Task<DistributedApplication> BuildAsync()
    {
        _go.TrySetResult();
        return _app.Task;
    }

    public void Abandon()
    {
        _abandoned = true;
        _go.TrySetResult();
    }

    public void Apply(DistributedApplicationOptions options)
    {
        options.AssemblyName ??= assembly.GetName().Name;
        options.Args = [.. options.Args ?? [], .. args];
        options.DisableDashboard = true;
    }

    public void WaitForTest(ApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        _go.Task.GetAwaiter().GetResult();
        if (_abandoned)
            throw new EntryPointEndException();
    }

    public void Complete(DistributedApplication app)
    {
        _app.TrySetResult(app);
        throw new EntryPointEndException();
    }

    private void RunMain()
    {
        Local.Value = this;
        try
        {
            var main = assembly.EntryPoint ?? throw new InvalidOperationException($"{assembly.GetName().Name} has no entry point.");
            var result = main.Invoke(null, main.GetParameters().Length == 0 ? [] : [Array.Empty<string>()]);
            (result as Task)?.GetAwaiter().GetResult();
            Fail(new InvalidOperationException($"The entry point of {assembly.GetName().Name} has ended without building an application."));
        }
        catch (TargetInvocationException e) when (e.InnerException is EntryPointEndException)
        {
        }
        catch (Exception e)
        {
            Fail((e as TargetInvocationException)?.InnerException ?? e);
        }
    }

    private void Fail(Exception e)
    {
        _builder.TrySetException(e);
        _app.TrySetException(e);
    }

    private sealed class EntryPointEndException() : Exception("The application belongs to the test from here on.");
}
