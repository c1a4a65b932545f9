using System.Net;
using System.Net.Sockets;
using System.Text;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary><c>POST /upload</c> with bodies that no client library sends, and over a store that breaks off.</summary>
public sealed class UploadTests(Servers servers) : IAsyncLifetime
{
    private const int MaxBytes = 1 << 20;
    private const string File = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\nnot quite a video\r\n--b";

    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Theory]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n")]
    [InlineData(File + "\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n")]
    [InlineData(File + "--\r\n")]
    public async Task A_body_without_end_before_or_behind_the_file_is_413_and_leaves_nothing(string beginning)
    {
        await using var host = await UploadHost.StartAsync(_store, Ct, ("Uploads:MaxBytes", $"{MaxBytes}"));
        using EndlessContent body = new(beginning, most: 64L << 20);
        try
        {
            using var answer = await host.UploadAsync(body, Ct);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
            Assert.Contains("urn:videoplatform:problem:too-large", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            // The connection's end came before the answer: the client was still sending.
        }

        Assert.InRange(body.Sent, MaxBytes, body.Most - 1);
        await Poll.UntilAsync(() => _store.ScalarAsync<long>("select count(*) from videos", Ct), rows => rows == 0, TimeSpan.FromSeconds(30), "nothing left");
    }

    [Fact]
    public async Task Parts_beside_the_file_are_taken_up_to_the_bound()
    {
        await using var host = await UploadHost.StartAsync(_store, Ct, ("Uploads:MaxBytes", $"{MaxBytes}"));
        using StringContent body = new($"--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n{new string('a', MaxBytes)}\r\n{File}--\r\n");
        using var answer = await host.UploadAsync(body, Ct);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    [Fact]
    public async Task A_store_that_breaks_off_is_500_and_not_the_client_s_fault()
    {
        using TcpListener dead = new(IPAddress.Loopback, 0);
        dead.Start();
        var closing = CloseEachAsync(dead);
        var port = ((IPEndPoint)dead.LocalEndpoint).Port;
        await using (var host = await UploadHost.StartAsync(_store, Ct, ("ConnectionStrings:storage", $"Endpoint=http://127.0.0.1:{port};AccessKey=a;SecretKey=b")))
        {
            using StringContent body = new(File + "--\r\n");
            using var answer = await host.UploadAsync(body, Ct);
            Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
            Assert.Contains("urn:videoplatform:problem:storage-failure", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }

        dead.Stop();
        await closing;
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_400()
    {
        await using var host = await UploadHost.StartAsync(_store, Ct);
        foreach (var cut in (int[])[3, 40, File.Length - 8, File.Length])
        {
            using StringContent body = new(File[..cut]);
            using var answer = await host.UploadAsync(body, Ct);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }
    }

    /// <summary>Postgres takes neither NUL nor half a surrogate pair; what only names the file must not fail its upload.</summary>
    [Theory]
    [InlineData("filename=\"a.mp4\"\r\nContent-Type: video/mp4\0")]
    [InlineData("filename=\"a.mp4\"\r\nContent-Type: video/\u0001\u007fmp4")]
    [InlineData("filename=\"a\0b.mp4\"")]
    [InlineData("filename*=utf-8''a%00b%ED%A0%80.mp4")]
    [InlineData("filename*=utf-16''%00%D8a.mp4")]
    [InlineData("filename*=utf-7''a.mp4")]
    [InlineData("filename=\"=?utf-8?B?AGEAYg==?=\"")]
    [InlineData("filename=\"=?utf-7?B?AGEAYg==?=\"")]
    [InlineData("filename=\"{254 a}\U0001F600.mp4\"")]
    public async Task A_part_header_with_anything_in_it_is_201_or_400(string header)
    {
        await using var host = await UploadHost.StartAsync(_store, Ct);
        header = header.Replace("{254 a}", new('a', 254), StringComparison.Ordinal);
        using StringContent body = new(File.Replace("filename=\"a.mp4\"", header, StringComparison.Ordinal) + "--\r\n");
        using var answer = await host.UploadAsync(body, Ct);
        Assert.True(answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.BadRequest, $"{answer.StatusCode}");
    }

    /// <summary>Takes a request and closes without a word, as a server does that is killed.</summary>
    private static async Task CloseEachAsync(TcpListener listener)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(Ct);
                _ = await client.GetStream().ReadAsync(buffer, Ct);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    /// <summary>Chunked; goes on until somebody stops it.</summary>
    private sealed class EndlessContent(string beginning, long most) : HttpContent
    {
        public long Most => most;

        public long Sent { get; private set; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(beginning), Ct);
            var more = Encoding.ASCII.GetBytes(new string('a', 16 * 1024));
            for (; Sent < most; Sent += more.Length)
            {
                await stream.WriteAsync(more, Ct);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
