using System.Text.Encodings.Web;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace LocalHosting.Publishing;

/// <summary><c>--publisher manifest --output-path F</c>: writes the manifest and ends the application.</summary>
internal sealed class ManifestPublisher(ApplicationBuilder model, IHostApplicationLifetime lifetime) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        var publisher = model.Configuration["Publishing:Publisher"];
        if (publisher is not (null or "manifest"))
            throw new DistributedApplicationException($"The publisher '{publisher}' is not known to this engine; 'manifest' is.");
        var output = model.Configuration["Publishing:OutputPath"]
            ?? throw new DistributedApplicationException("The '--output-path [path]' option was not specified even though '--publisher manifest' argument was used.");
        var file = output.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? Path.GetFullPath(output) : Path.Combine(Path.GetFullPath(output), "aspire-manifest.json");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllBytesAsync(file, Write(model, Path.GetDirectoryName(file)!), cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <param name="folder">Where the manifest will lie: paths in it are relative to that.</param>
    public static byte[] Write(ApplicationBuilder model, string folder)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            new ManifestWriter(json, model, folder).WriteAll();
        return stream.ToArray();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Only once the host is up does it listen to the wish to stop.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        await started.Task.WaitAsync(stoppingToken);
        lifetime.StopApplication();
    }
}
