using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Testing;
using Testing.Media;
using Xunit;

namespace Storage.Tests.Client;

/// <summary>The program as it is started by hand.</summary>
public sealed class ConsoleTests
{
    private static readonly string _program = Path.Combine(AppContext.BaseDirectory, "Smart.Client.dll");
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_writes_the_video_to_a_file_or_to_standard_output()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        var whole = (await TestVideo.MinuteAsync()).Whole;
        var file = Path.Combine(Sources.NewFolder("client"), "video.mp4");
        var (code, _, messages) = await RunAsync(videoId.ToString(), "--metadata", platform.MetadataUrl, "--fast", "--output", file);
        Assert.True(code == 0, messages);
        Assert.Equal(whole, await File.ReadAllBytesAsync(file));
        Assert.Matches(@"\d\d:\d\d / 01:00  buffer", messages);

        (code, var output, messages) = await RunAsync(videoId.ToString(), "--metadata", platform.MetadataUrl, "--fast", "--output", "-");
        Assert.True(code == 0, messages);
        Assert.Equal(whole, output);
    }

    [Fact]
    public async Task A_player_gets_the_video_and_its_exit_code_counts()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        string[] play = [videoId.ToString(), "--metadata", platform.MetadataUrl, "--fast", "--player"];
        var (code, output, messages) = await RunAsync([.. play, "ffmpeg -hide_banner -v error -xerror -i - -map 0:v -f framecrc -"]);
        Assert.True(code == 0, messages);
        Assert.Equal(600, System.Text.Encoding.ASCII.GetString(output).Split('\n').Count(line => line.StartsWith("0, ", StringComparison.Ordinal)));

        Assert.Equal(1, (await RunAsync([.. play, "false"])).Code); // it leaves at once, and says that it failed
        Assert.Equal(1, (await RunAsync([.. play, "/nowhere/player"])).Code);
    }

    [Fact]
    public async Task The_exit_code_says_what_went_wrong()
    {
        await using var platform = await TestPlatform.StartAsync();
        var unknown = Guid.CreateVersion7().ToString();
        Assert.Equal(3, (await RunAsync(unknown, "--metadata", platform.MetadataUrl)).Code);
        Assert.Equal(2, (await RunAsync(unknown, "--metadata", "ftp://localhost")).Code);
        Assert.Equal(1, (await RunAsync(unknown, "--metadata", "http://127.0.0.1:1")).Code);
        var (code, output, messages) = await RunAsync("--nonsense");
        Assert.Equal((2, 0), (code, output.Length));
        Assert.Contains("--help", messages);
        (code, output, _) = await RunAsync("--help");
        Assert.Equal(0, code);
        Assert.StartsWith("usage: smart-client VIDEO_ID", System.Text.Encoding.UTF8.GetString(output));
    }

    [Fact]
    public async Task Ctrl_C_ends_it_and_its_player()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        var port = FreePort();
        using var process = Start(videoId.ToString(), "--metadata", platform.MetadataUrl, "--player", "cat", "--dashboard", port.ToString());
        using HttpClient http = new() { BaseAddress = new($"http://localhost:{port}") };
        var output = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        var messages = process.StandardError.ReadToEndAsync();
        var status = await Poll.UntilAsync(
            async () => await TryAsync(() => http.GetFromJsonAsync<JsonElement>("/api/status")), seen => seen.ValueKind == JsonValueKind.Object && seen.GetProperty("playing").GetBoolean(), _soon, "it plays");
        Assert.Equal(videoId, status.GetProperty("video_id").GetGuid());

        await Signals.SendAsync("INT", process.Id);
        await process.WaitForExitAsync().WaitAsync(_soon, TimeProvider.System);
        Assert.True(process.ExitCode == 130, await messages);
        await output.WaitAsync(_soon, TimeProvider.System); // its player has closed it too
    }

    private static async Task<JsonElement> TryAsync(Func<Task<JsonElement>> read)
    {
        try
        {
            return await read();
        }
        catch (HttpRequestException)
        {
            return default;
        }
    }

    private static async Task<(int Code, byte[] Output, string Messages)> RunAsync(params string[] args)
    {
        using var process = Start(args);
        using MemoryStream output = new();
        var copied = process.StandardOutput.BaseStream.CopyToAsync(output);
        var messages = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90), TimeProvider.System);
        await copied;
        return (process.ExitCode, output.ToArray(), await messages);
    }

    private static Process Start(params string[] args) =>
        Process.Start(new ProcessStartInfo("dotnet", ["exec", _program, .. args]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;

    private static int FreePort()
    {
        using TcpListener listener = new(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
