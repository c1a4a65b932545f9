using System.Net;
using System.Net.Sockets;
using System.Text;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Files that are no videos, and requests that no route answers.</summary>
public sealed class BadInput(Platform platform)
{
    private static readonly byte[] _binary = [0, 1, 2, 3];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0")]
    [InlineData("+faststart")]
    public async Task A_video_cut_in_half_is_FAILED_whether_its_index_is_there_or_not(string movflags)
    {
        var whole = await Sources.MakeAsync(
            $"whole{movflags}", "mp4", ["-f", "lavfi", "-i", Sources.Picture("25", 20), .. "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -movflags".Split(' '), movflags]);
        var content = await File.ReadAllBytesAsync(whole, Ct);
        Assert.Contains("truncated", await ReasonAsync(content[..(content.Length / 2)]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_and_noise_under_a_video_s_name_are_FAILED()
    {
        var noise = new byte[300_000];
        new Random(1).NextBytes(noise);
        Assert.StartsWith("Not a video", await ReasonAsync(Library.Text), StringComparison.Ordinal);
        Assert.StartsWith("Not a video", await ReasonAsync(noise), StringComparison.Ordinal);
    }

    /// <summary>As a text, and with bytes of no text behind it.</summary>
    [Theory]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")]
    [InlineData("ffconcat version 1.0\nfile '/etc/passwd'\nfile '{url}'\n")]
    public async Task A_playlist_is_FAILED_and_nothing_that_it_names_is_opened(string playlist)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        var text = Encoding.UTF8.GetBytes(playlist.Replace("{url}", $"http://{listener.LocalEndpoint}/x.mp4", StringComparison.Ordinal));
        foreach (var content in (byte[][])[text, [.. text, .. _binary]])
            Assert.DoesNotContain("root:", await ReasonAsync(content), StringComparison.Ordinal);
        Assert.False(listener.Pending());
    }

    [Theory]
    [InlineData("GET", "/upload", "POST")]
    [InlineData("PUT", "/upload", "POST")]
    [InlineData("POST", "/video/{id}/status", "GET")]
    [InlineData("POST", "/video/{id}/status/stream", "GET")]
    [InlineData("POST", "/stream/{id}/manifest", "GET")]
    [InlineData("PUT", "/stream/{id}/manifest/360p", "GET")]
    [InlineData("DELETE", "/stream/{id}/segment/v1-360p-00000.m4s", "GET")]
    [InlineData("POST", "/health", "GET")]
    [InlineData("POST", "/workers", "GET")]
    [InlineData("PATCH", "/api/v1/videos/{id}", "DELETE")]
    public async Task A_wrong_method_is_405_and_names_the_right_one(string method, string path, string allowed)
    {
        var address = path.Replace("{id}", $"{await Library.ReadyAsync(platform, Ct)}", StringComparison.Ordinal);
        using HttpRequestMessage request = new(new(method), address);
        using var answer = await platform.Http.SendAsync(request, Ct);
        await answer.ProblemAsync(405, "method-not-allowed", Ct);
        Assert.Contains(allowed, answer.Content.Headers.Allow);
        Assert.DoesNotContain(method, answer.Content.Headers.Allow);
    }

    [Fact]
    public async Task An_id_that_is_none_is_404_like_one_that_nobody_has()
    {
        var ready = await Library.ReadyAsync(platform, Ct);
        foreach (var id in (string[])["nobody", "0", $"{ready:N}", $"{{{ready}}}", $"{ready}0", $"{Guid.NewGuid()}", "%00", new('a', 300)])
        {
            foreach (var path in (string[])[$"/video/{id}/status", $"/video/{id}/status/stream", $"/stream/{id}/manifest", $"/stream/{id}/segment/v1-360p-00000.m4s"])
            {
                using var answer = await platform.Http.GetAsync(path, Ct);
                Assert.True(answer.StatusCode == HttpStatusCode.NotFound || (id == "%00" && answer.StatusCode == HttpStatusCode.BadRequest), $"{path}: {answer.StatusCode}");
            }

            using var delete = await platform.Admin.DeleteAsync($"/api/v1/videos/{id}", Ct);
            Assert.True(delete.StatusCode == HttpStatusCode.NotFound || (id == "%00" && delete.StatusCode == HttpStatusCode.BadRequest), $"DELETE {id}: {delete.StatusCode}");
        }
    }

    /// <summary>Why the platform says that it cannot use the file.</summary>
    private async Task<string> ReasonAsync(byte[] content)
    {
        var video = await platform.UploadAsync(content, Ct);
        Assert.Equal("FAILED", await platform.EndStateAsync(video, Library.EndsWithin, Ct));
        var status = await platform.StatusAsync(video, Ct);
        Assert.Equal("media", status.GetProperty("category").GetString());
        using var manifest = await platform.Http.GetAsync($"/stream/{video}/manifest", Ct);
        await manifest.ProblemAsync(409, "not-ready", Ct);
        return status.GetProperty("reason").GetString()!;
    }
}
