using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Live.Tests;

/// <summary>Bodies that nobody means: each gets a refusal in the seed's form, never a 500.</summary>
public sealed class Hostile(LiveFixture live) : IClassFixture<LiveFixture>
{
    private const int Rounds = 300;

    private static readonly int[] _expected = [200, 202, 400, 404, 409, 413];

    private static readonly Func<JsonNode?>[] _values =
    [
        () => null, () => 0, () => -1.5e300, () => true, () => "", () => " ", () => "\u0000", () => "\uFFFF", () => new string('x', 5000), () => "2026-02-30T00:00:00Z", () => "9999-12-31T23:59:59-23:59",
        () => new JsonArray(), () => new JsonArray(1, "a", null), () => new JsonObject(), () => new JsonObject { [""] = 1 }, () => new JsonObject { ["\u0000"] = "\u0000" },
        () => "rtmp://[::1", () => "rtmp://a:99999/x", () => "srt://encoder.example.com:0?%00", () => "rtmp://xn--/", () => "RTMP://ENCODER.EXAMPLE.COM/a",
    ];

    [Fact]
    public async Task Fields_of_any_kind_in_any_place_are_taken_or_refused()
    {
        Random random = new(1);
        for (var round = 0; round < Rounds; round++)
        {
            var (method, text) = round % 3 == 0 ? ("PUT", Requests.Status(Requests.NewId(), "READY", "why")) : ("POST", Requests.Stream(Requests.NewId(), metadata: new Dictionary<string, string> { ["a"] = "b" }));
            var body = JsonNode.Parse(text)!.AsObject();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                Change(body, random);
            }

            await CheckAsync(method, body.ToJsonString());
        }
    }

    [Fact]
    public async Task Bytes_of_any_kind_are_taken_or_refused()
    {
        Random random = new(2);
        for (var round = 0; round < Rounds; round++)
        {
            var bytes = Encoding.UTF8.GetBytes(Requests.Stream(Requests.NewId(), title: "ä🎬"));
            for (var change = random.Next(1, 5); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            using ByteArrayContent content = new(bytes[..random.Next(bytes.Length + 1)]);
            using var answer = await live.Host.Http.PostAsync("/streams", content, TestContext.Current.CancellationToken);
            Assert.True(_expected.Contains((int)answer.StatusCode), $"{(int)answer.StatusCode}: {Convert.ToBase64String(bytes)}");
        }
    }

    [Theory]
    [InlineData("/streams/%01")]
    [InlineData("/streams/..%2f..%2fhealth")]
    [InlineData("/streams/a'%20or%201=1")]
    [InlineData("/streams/%F0%9F%8E%AC")]
    public async Task Names_of_any_kind_are_unknown(string path) => Assert.Equal(404, (await live.Host.GetAsync(path)).Status);

    private static void Change(JsonObject body, Random random)
    {
        var value = _values[random.Next(_values.Length)]();
        var names = body.Select(pair => pair.Key).ToList();
        var name = names.Count == 0 || random.Next(8) == 0 ? "another" : names[random.Next(names.Count)];
        if (random.Next(2) == 0 && body[name] is JsonArray { Count: > 0 } list && list[0] is JsonObject inner)
        {
            inner[new[] { "protocol", "url", "backupUrl", "another" }[random.Next(4)]] = value;
        }
        else
        {
            body[name] = value;
        }
    }

    private async Task CheckAsync(string method, string body)
    {
        var answer = await live.Host.SendAsync(method, "/streams", body);
        Assert.True(_expected.Contains(answer.Status) && answer.ContentType == "application/json", $"{body}: {answer}");
        if (answer.Status >= 400)
        {
            Assert.Equal(JsonValueKind.String, answer.Json.GetProperty("message").ValueKind);
            Assert.NotEmpty(answer.Issues);
        }
    }
}
