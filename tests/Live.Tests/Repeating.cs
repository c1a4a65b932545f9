using System.Text.Json;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>The same request again, another one under the same id, and several at once.</summary>
public sealed class Repeating(LiveFixture live) : IClassFixture<LiveFixture>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_request_gets_the_very_same_answer_however_it_is_written()
    {
        var id = Requests.NewId();
        var first = await live.Host.PostAsync(Requests.Stream(id, metadata: new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }));
        await live.Store.ExecuteAsync("update streams set accepted_at = accepted_at - interval '1 hour' where id = $1 returning 1", id);
        var second = await live.Host.PostAsync(Requests.Stream(id, metadata: new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }));
        var third = await live.Host.PostAsync($$"""
            { "metadata": {"b":"2", "a":"\u0031"}, "ingestEndpoints": [{"url":"{{LiveHost.Ingest}}/{{id}}","protocol":"rtmp"}], "startTime": "2020-01-01T01:00:00.000+01:00",
              "title": "The\u0020launch", "streamId": "{{id}}" }
            """);
        Assert.Equal((202, 202, 202), (first.Status, second.Status, third.Status));
        Assert.Equal(second.Text, third.Text);
        Assert.NotEqual(first.Text, second.Text); // the answer is the one of the first request's time, not of now
        Assert.Equal(1L, await live.Store.ScalarAsync<long>("select count(*) from stream_steps where stream_id = $1 and state = 'ValidateProvisionRequest'", Ct, id));
    }

    [Theory]
    [InlineData("title", "\"Another title\"")]
    [InlineData("startTime", "\"2020-01-01T00:00:01Z\"")]
    [InlineData("metadata", "{\"a\":\"b\"}")]
    [InlineData("ingestEndpoints", "[{\"protocol\":\"rtmp\",\"url\":\"rtmp://encoder.example.com/a\"}]")]
    public async Task Another_request_under_the_same_id_is_a_conflict(string field, string value)
    {
        var id = Requests.NewId();
        var body = Requests.Stream(id);
        Assert.Equal(202, (await live.Host.PostAsync(body)).Status);
        var other = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(body)!;
        other[field] = JsonElement.Parse(value);
        var answer = await live.Host.PostAsync(JsonSerializer.Serialize(other));
        Assert.Equal((409, "application/json", "The stream exists already."), (answer.Status, answer.ContentType, answer.Message));
        Assert.Equal(["streamId belongs to another request."], answer.Issues);
        Assert.Equal("The launch", (await live.Host.GetAsync($"/streams/{id}")).Json.GetProperty("title").GetString());
    }

    [Fact]
    public async Task Of_many_requests_at_once_at_two_replicas_one_begins_the_stream_and_all_get_its_answer()
    {
        await using var second = await LiveHost.StartAsync(live.Store);
        for (var round = 0; round < 5; round++)
        {
            var id = Requests.NewId();
            var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(n => (n % 2 == 0 ? live.Host : second).PostAsync(Requests.Stream(id))));
            Assert.All(answers, answer => Assert.Equal((202, answers[0].Text), (answer.Status, answer.Text)));
            var rivals = Requests.NewId();
            var titles = await Task.WhenAll(Enumerable.Range(0, 16).Select(n => (n % 2 == 0 ? live.Host : second).PostAsync(Requests.Stream(rivals, title: $"title {n}"))));
            Assert.Equal([202, .. Enumerable.Repeat(409, 15)], titles.Select(answer => answer.Status).Order());
        }
    }

    [Fact]
    public async Task Two_replicas_take_every_step_once()
    {
        await using var second = await LiveHost.StartAsync(live.Store);
        await using var tap = await EventTap.OpenAsync(live.Servers.RabbitMQ);
        var ids = Enumerable.Range(0, 20).Select(_ => Requests.NewId()).ToList();
        await Task.WhenAll(ids.Select((id, n) => (n % 2 == 0 ? live.Host : second).PostAsync(Requests.Stream(id))));
        await Task.WhenAll(ids.Select((id, n) => (n % 2 == 0 ? second : live.Host).PutAsync(Requests.Status(id, "READY"))));
        foreach (var id in ids)
        {
            await live.Store.UntilAsync(id, "READY WorkflowSucceeded");
            Assert.Equal(9, (await live.Store.StepsAsync(id)).Split(' ').Distinct(StringComparer.Ordinal).Count());
            Assert.Equal(9, (await live.Store.StepsAsync(id)).Split(' ').Length);
            Assert.Equal(2, (await tap.HearsAsync(id, "StreamProvisionRequested", "READY")).Count); // nothing died, so nothing is told twice
            Assert.Equal(1L, await live.Store.ScalarAsync<long>("select count(*) from live_sessions where stream_id = $1", Ct, id));
        }
    }
}
