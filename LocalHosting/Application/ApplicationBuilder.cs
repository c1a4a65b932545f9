using System.Collections.ObjectModel;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Engine;
using LocalHosting.Publishing;
using LocalHosting.State;
using LocalHosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LocalHosting.Model;

/// <summary>The model under construction, on the generic host's builder; Build() adds the engine or the publisher to it.</summary>
internal sealed class ApplicationBuilder : IDistributedApplicationBuilder
{
    // Aspire's own names for its command line.
    private static readonly Dictionary<string, string> Switches = new(StringComparer.Ordinal)
    {
        ["--publisher"] = "Publishing:Publisher",
        ["--output-path"] = "Publishing:OutputPath",
        ["--operation"] = "AppHost:Operation",
        ["--endpoints"] = "LocalHosting:EndpointsFile",
        ["--state"] = "LocalHosting:StateFolder",
    };

    private readonly HostApplicationBuilder _host;
    private readonly EntryPointHook? _hook;

    private ApplicationBuilder(DistributedApplicationOptions options, EntryPointHook? hook)
    {
        _hook = hook;
        Assembly = FindAssembly(options);
        AppHostDirectory = options.ProjectDirectory ?? Path.GetDirectoryName(Metadata(Assembly, "apphostprojectpath")) ?? Directory.GetCurrentDirectory();
        _host = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppHostDirectory, EnvironmentName = hook is null ? null : Environments.Development });
        _host.Configuration.AddInMemoryCollection(hook?.Configuration);
        _host.Configuration.AddCommandLine(EngineOptions.ExpandFlags(options.Args ?? []), Switches);
        var isPublish = Configuration["Publishing:Publisher"] is not null || string.Equals(Configuration["AppHost:Operation"], "publish", StringComparison.OrdinalIgnoreCase);
        ExecutionContext = new(isPublish ? DistributedApplicationOperation.Publish : DistributedApplicationOperation.Run);
        Options = EngineOptions.From(Configuration, AppHostDirectory);
        StateRoot = StateFolder.PathFor(Options);
        Configuration["LocalHosting:StateFolder"] = StateRoot;
        Secrets = new(() => new(Path.Combine(StateRoot, "secrets.json")));
        ConfigureHost();
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection();

    /// <summary>The AppHost's assembly: its metadata says where the projects' outputs are.</summary>
    public Assembly Assembly { get; }

    public EngineOptions Options { get; }

    public string StateRoot { get; }

    public Lazy<SecretStore> Secrets { get; }

    /// <summary>The prefix of default volume names: the AppHost's name and a hash of it, as Aspire writes it when publishing.</summary>
    public string VolumePrefix
    {
        get
        {
            var name = (Assembly.GetName().Name ?? "apphost").ToLowerInvariant();
            return $"{name}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..10]}";
        }
    }

    public static ApplicationBuilder Create(DistributedApplicationOptions options)
    {
        var hook = EntryPointHook.Current;
        hook?.Apply(options);
        return new(options, hook);
    }

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (Resources.FirstOrDefault(r => string.Equals(r.Name, resource.Name, StringComparison.OrdinalIgnoreCase)) is { } existing)
            throw new DistributedApplicationException(
                $"Cannot add resource of type '{resource.GetType()}' with name '{resource.Name}' because resource of type '{existing.GetType()}' with that name already exists. Resource names are case-insensitive.");
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _hook?.WaitForTest(this);
        if (ExecutionContext.IsPublishMode)
            Services.AddHostedService<ManifestPublisher>();
        else
            Services.AddHostedService(s => s.GetRequiredService<LocalEngine>());
        var app = new DistributedApplication(_host.Build());
        _hook?.Complete(app);
        return app;
    }

    public static string? Metadata(Assembly assembly, string key) =>
        assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => string.Equals(a.Key, key, StringComparison.OrdinalIgnoreCase))?.Value;

    private static Assembly FindAssembly(DistributedApplicationOptions options) => options.AssemblyName is { } name
        ? AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(a => a.GetName().Name == name) ?? Assembly.Load(name)
        : Assembly.GetEntryAssembly() ?? typeof(ApplicationBuilder).Assembly;

    private void ConfigureHost()
    {
        Services.TryAddSingleton(TimeProvider.System);
        Services.AddSingleton(this);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(new ResourceNotificationService());
        Services.AddSingleton(s => new ResourceCommandService(s.GetRequiredService<LocalEngine>));
        Services.AddSingleton<LocalEngine>();
        Services.AddHealthChecks();
        // Stopping is a chain of servers that each may take their time to write what they hold.
        Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(60));
        Services.Configure<ConsoleLifetimeOptions>(o => o.SuppressStatusMessages = true);
        _host.Logging.AddSimpleConsole(o => o.SingleLine = true);
        _host.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        // A start that fails ends in one sentence, in Run(), not in the host's stack trace.
        _host.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        if (!Options.ConsoleLogs || ExecutionContext.IsPublishMode)
            _host.Logging.SetMinimumLevel(LogLevel.Warning);
    }

    private sealed class ResourceCollection : Collection<IResource>, IResourceCollection;

    private sealed class ResourceBuilder<T>(ApplicationBuilder builder, T resource) : IResourceBuilder<T>
        where T : IResource
    {
        public T Resource { get; } = resource;

        public IDistributedApplicationBuilder ApplicationBuilder { get; } = builder;

        public IResourceBuilder<T> WithAnnotation<TAnnotation>(TAnnotation annotation, ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append)
            where TAnnotation : IResourceAnnotation
        {
            if (behavior == ResourceAnnotationMutationBehavior.Replace)
            {
                foreach (var old in Resource.Annotations.OfType<TAnnotation>().ToList())
                    Resource.Annotations.Remove(old);
            }

            Resource.Annotations.Add(annotation);
            return this;
        }
    }
}
