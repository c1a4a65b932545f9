using System.Net;
using System.Security.Cryptography;
using Xunit;

namespace EndToEnd.Tests;

/// <summary><c>POST /upload</c> through the gateway: what is accepted, what is refused, and that nothing is left of what was refused.</summary>
public sealed class Uploads(Platform platform)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private Uri Gateway => platform.Address("gateway");

    [Fact]
    public async Task An_upload_is_201_with_the_id_and_the_address_of_its_status()
    {
        using var answer = await platform.Http.PostAsync("/upload", Platform.Form(Library.Text), Ct);
        Assert.Equal((HttpStatusCode.Created, "application/json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var only = Assert.Single((await answer.JsonAsync(Ct)).EnumerateObject());
        Assert.Equal("videoId", only.Name);
        Assert.Matches("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", only.Value.GetString());
        Assert.Equal($"/video/{only.Value.GetString()}/status", $"{answer.Headers.Location}");
        using var status = await platform.Http.GetAsync(answer.Headers.Location, Ct);
        Assert.Equal(HttpStatusCode.OK, status.StatusCode);
        await platform.EndStateAsync(only.Value.GetGuid(), Library.EndsWithin, Ct);
    }

    [Fact]
    public async Task A_body_without_a_file_is_400()
    {
        using var otherField = await platform.Http.PostAsync("/upload", Platform.Form([1], "other"), Ct);
        await otherField.ProblemAsync(400, "no-file", Ct);
        using var noForm = await platform.Http.PostAsync("/upload", new ByteArrayContent([1]), Ct);
        await noForm.ProblemAsync(400, "no-file", Ct);
        using var nothing = await platform.Http.PostAsync("/upload", null, Ct);
        await nothing.ProblemAsync(400, "no-file", Ct);
        using var empty = await platform.Http.PostAsync("/upload", Platform.Form([]), Ct);
        await empty.ProblemAsync(400, "empty-file", Ct);
        await using var left = await Leftovers.OfAsync(platform, Ct);
        await left.NoneAsync(Ct);
    }

    [Theory]
    [InlineData("Content-Digest")]
    [InlineData("Repr-Digest")]
    public async Task A_digest_is_verified(string header)
    {
        using var wrong = await SendAsync(platform.Http, Library.Text, (header, Sha256Of([1])));
        await wrong.ProblemAsync(400, "digest-mismatch", Ct);
        using var unreadable = await SendAsync(platform.Http, Library.Text, (header, "sha-256=nothing"));
        await unreadable.ProblemAsync(400, "malformed-header", Ct);
        await using var left = await Leftovers.OfAsync(platform, Ct);
        await left.NoneAsync(Ct);
        using var right = await SendAsync(platform.Http, Library.Text, (header, Sha256Of(Library.Text)));
        Assert.Equal(HttpStatusCode.Created, right.StatusCode);
        using var ofThePart = Platform.Form(Library.Text);
        ofThePart.First().Headers.Add(header, Sha256Of([1]));
        using var wrongPart = await platform.Http.PostAsync("/upload", ofThePart, Ct);
        await wrongPart.ProblemAsync(400, "digest-mismatch", Ct);
    }

    [Fact]
    public async Task A_declared_length_over_the_limit_is_413_before_a_byte_of_the_body()
    {
        using var request = await RawRequest.SendAsync(Gateway, RawRequest.Multipart(30L << 30), default, Ct);
        var answer = await request.AnswerAsync(Ct);
        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/problem+json", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_grows_over_the_limit_is_413()
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/upload") { Content = Platform.Form(new byte[Platform.MaxBytes + 1]) };
        request.Headers.TransferEncodingChunked = true;
        using var answer = await platform.Http.SendAsync(request, Ct);
        await answer.ProblemAsync(413, "too-large", Ct);
        await using var left = await Leftovers.OfAsync(platform, Ct);
        await left.NoneAsync(Ct);
    }

    [Fact]
    public async Task A_part_beside_the_file_that_grows_over_the_limit_is_413()
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/upload") { Content = new MultipartFormDataContent { { new ByteArrayContent(new byte[Platform.MaxBytes + (8 << 20)]), "other" } } };
        request.Headers.TransferEncodingChunked = true;
        using var answer = await platform.Http.SendAsync(request, Ct);
        await answer.ProblemAsync(413, "too-large", Ct);
        await using var left = await Leftovers.OfAsync(platform, Ct);
        await left.NoneAsync(Ct);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(10 << 20)]
    public async Task Nothing_is_left_of_a_client_that_vanishes_in_its_body(int sent)
    {
        await using var left = await Leftovers.OfAsync(platform, Ct);
        await left.NoneAsync(Ct);
        using (await RawRequest.SendAsync(Gateway, RawRequest.Multipart(20 << 20), RawRequest.BodyOf(new byte[20 << 20]).AsMemory(0, 100 + sent), Ct))
        {
            await left.OneAsync(Ct);
        }

        await left.NoneAsync(Ct);
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_400_and_leaves_nothing()
    {
        var body = RawRequest.BodyOf(Library.Text);
        using var request = await RawRequest.SendAsync(Gateway, RawRequest.Multipart(body.Length - 8), body.AsMemory(..^8), Ct);
        Assert.StartsWith("HTTP/1.1 400 ", await request.AnswerAsync(Ct), StringComparison.Ordinal);
        await using var left = await Leftovers.OfAsync(platform, Ct);
        await left.NoneAsync(Ct);
    }

    [Fact]
    public async Task A_repeated_key_gets_the_same_video_from_any_replica_and_another_body_422()
    {
        var key = ("Idempotency-Key", $"{Guid.NewGuid()}");
        using var first = platform.Client("upload-api-1");
        using var second = platform.Client("upload-api-2");
        using var made = await SendAsync(first, Library.Text, key);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        foreach (var client in (HttpClient[])[first, second, platform.Http])
        {
            using var repeated = await SendAsync(client, Library.Text, key);
            Assert.Equal(HttpStatusCode.Created, repeated.StatusCode);
            Assert.Equal($"{await made.JsonAsync(Ct)}", $"{await repeated.JsonAsync(Ct)}");
            Assert.Equal(made.Headers.Location, repeated.Headers.Location);
            using var other = await SendAsync(client, [.. Library.Text, 1], key);
            await other.ProblemAsync(422, "idempotency-reused", Ct);
        }
    }

    [Fact]
    public async Task A_key_in_use_is_409_until_its_first_request_has_its_answer()
    {
        var key = $"{Guid.NewGuid()}";
        var body = RawRequest.BodyOf(Library.Text);
        await using var left = await Leftovers.OfAsync(platform, Ct);
        using var first = await RawRequest.SendAsync(Gateway, RawRequest.Multipart(body.Length, $"Idempotency-Key: {key}\r\n"), body.AsMemory(..^8), Ct);
        await left.OneAsync(Ct);
        foreach (var replica in (string[])["upload-api-1", "upload-api-2"])
        {
            using var client = platform.Client(replica);
            using var concurrent = await SendAsync(client, Library.Text, ("Idempotency-Key", key));
            await concurrent.ProblemAsync(409, "idempotency-in-flight", Ct);
            Assert.True(concurrent.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        }

        await first.SendAsync(body.AsMemory(^8..), Ct);
        Assert.StartsWith("HTTP/1.1 201 ", await first.AnswerAsync(Ct), StringComparison.Ordinal);
        using var after = await SendAsync(platform.Http, Library.Text, ("Idempotency-Key", key));
        Assert.Equal(HttpStatusCode.Created, after.StatusCode);
    }

    private static string Sha256Of(byte[] content) => $"sha-256=:{Convert.ToBase64String(SHA256.HashData(content))}:";

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, byte[] file, (string Name, string Value) header)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/upload") { Content = Platform.Form(file) };
        request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        return await client.SendAsync(request, Ct);
    }
}
