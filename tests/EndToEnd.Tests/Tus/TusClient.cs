using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Tus;

/// <summary>What the script takes; see upload.mjs.</summary>
internal sealed record TusUpload(string Endpoint, string ApiKey, string File, string Storage, int ChunkSize, int Parallel = 1, int? PauseAfter = null, bool DataDuringCreation = false);

/// <summary>tus-js-client in Node, one upload: its lines as they come.</summary>
internal sealed class TusClient : IDisposable
{
    private static readonly SemaphoreSlim _once = new(1);

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private static bool _installed;

    private readonly Process _node;
    private readonly Task<string> _errors;

    private TusClient(Process node) => (_node, _errors) = (node, node.StandardError.ReadToEndAsync(Ct));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static string Folder => Repository.PathOf("tests/EndToEnd.Tests/Tus");

    public static async Task<TusClient> StartAsync(TusUpload upload)
    {
        await InstallAsync();
        return new(Start("node", "upload.mjs", JsonSerializer.Serialize(upload, _json)));
    }

    /// <summary>The next line of the script, or null at its end.</summary>
    public async Task<JsonElement?> NextAsync() => await _node.StandardOutput.ReadLineAsync(Ct) is { } line ? JsonElement.Parse(line) : null;

    /// <summary>All lines up to the end, which is "done".</summary>
    public async Task<List<JsonElement>> FinishAsync()
    {
        List<JsonElement> lines = [];
        while (await NextAsync() is { } line)
        {
            lines.Add(line);
        }

        await ExitAsync(lines);
        return lines;
    }

    /// <summary>The script's end, after its last line.</summary>
    public async Task ExitAsync(List<JsonElement> lines)
    {
        await _node.WaitForExitAsync(Ct);
        Assert.True(_node.ExitCode == 0, $"{await _errors}\n{string.Join('\n', lines)}");
        Assert.Equal("done", lines[^1].GetProperty("event").GetString());
    }

    public void Dispose()
    {
        if (!_node.HasExited)
        {
            _node.Kill();
        }

        _node.Dispose();
    }

    /// <summary>The packages of the committed lock file, once.</summary>
    private static async Task InstallAsync()
    {
        await _once.WaitAsync(Ct);
        try
        {
            // A second try is for a package registry that was slow.
            for (var attempt = 1; !_installed; attempt++)
            {
                using var npm = Start("npm", "ci", "--no-audit", "--no-fund");
                var (output, errors) = (npm.StandardOutput.ReadToEndAsync(Ct), npm.StandardError.ReadToEndAsync(Ct));
                await npm.WaitForExitAsync(Ct);
                _installed = npm.ExitCode == 0;
                Assert.True(_installed || attempt < 2, $"npm ci: {await output}{await errors}");
            }
        }
        finally
        {
            _once.Release();
        }
    }

    private static Process Start(string program, params IEnumerable<string> arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })
        ?? throw new InvalidOperationException($"{program} did not start.");
}
