using Microsoft.AspNetCore.Builder;
using Storage.Node;
using Storage.Tests.Nodes.Disks;
using Xunit;

namespace Storage.Tests.Nodes.Http;

/// <summary>The production node on a port and a folder of its own.</summary>
public sealed class NodeHost : IAsyncLifetime
{
    private WebApplication? _app;

    public string Folder { get; } = Directory.CreateTempSubdirectory("storage-node-").FullName;

    public HttpClient Client { get; private set; } = new();

    /// <summary>In place of real files, where a test sets one before the start.</summary>
    public MemoryDisk? Disk { get; init; }

    public IServiceProvider Services => _app!.Services;

    public ValueTask InitializeAsync() => StartAsync();

    public async ValueTask StartAsync(params string[] settings)
    {
        _app = StorageNode.Build([
            "--environment", "Development", "--urls", "http://127.0.0.1:0", $"--DATA_DIR={Folder}", "--NODE_ID=node-1", "--Logging:LogLevel:Default=Error",
            .. settings.Select(setting => "--" + setting)], Disk is { } disk ? _ => disk : null);
        await _app.StartAsync();
        Client = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new(_app.Urls.First()), Timeout = TimeSpan.FromSeconds(30) };
    }

    public async Task StopAsync()
    {
        if (_app is not null)
        {
            Client.Dispose();
            await _app.StopAsync();
            await _app.DisposeAsync();
            _app = null;
        }
    }

    public async Task<HttpResponseMessage> PutAsync(string id, byte[] bytes, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(HttpMethod.Put, "/chunk/" + id) { Content = new ByteArrayContent(bytes) };
        return await SendAsync(request, headers);
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(method, path);
        return await SendAsync(request, headers);
    }

    /// <summary>Rot in the one place where the bytes are.</summary>
    public async Task FlipAsync(byte[] bytes)
    {
        foreach (var path in Directory.EnumerateFiles(Folder, "*.superblock"))
        {
            var content = await File.ReadAllBytesAsync(path);
            if (content.AsSpan().IndexOf(bytes) is >= 0 and var at)
            {
                await using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                file.Position = at;
                file.WriteByte((byte)(content[at] ^ 1));
                return;
            }
        }

        Assert.Fail("The bytes are in no superblock.");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        return await Client.SendAsync(request);
    }
}
