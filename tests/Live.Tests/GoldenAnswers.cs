using System.Text.Json;
using Xunit;

namespace Live.Tests;

/// <summary>Seed 001's answers, to the letter.</summary>
public sealed class GoldenAnswers(LiveFixture live) : IClassFixture<LiveFixture>
{
    private const string Time = @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$";

    private static readonly string[] _nothing =
        ["streamId is required.", "title is required.", "startTime is required.", "ingestEndpoints is required.", "ingestEndpoints must be a non-empty list."];

    private LiveHost Host => live.Host;

    [Fact]
    public async Task A_request_is_accepted_with_four_fields()
    {
        var id = Requests.NewId();
        var answer = await Host.PostAsync(Requests.Stream(id));
        Assert.Equal((202, "application/json"), (answer.Status, answer.ContentType));
        Assert.Matches("""
            "acceptedAt":"[0-9T:-]+\+00:00"
            """, answer.Text); // as it stands, not only as it is read
        Assert.Equal(["streamId", "detailType", "stateMachineArn", "acceptedAt"], answer.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal((id, "StreamProvisionRequested"), (answer.Json.GetProperty("streamId").GetString(), answer.Json.GetProperty("detailType").GetString()));
        Assert.Equal("arn:aws:states:us-east-1:000000000000:stateMachine:StreamLifecycleOrchestrator", answer.Json.GetProperty("stateMachineArn").GetString());
        Assert.Matches(Time, answer.Json.GetProperty("acceptedAt").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \t\r\n ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    public async Task Nothing_lacks_everything_in_this_order(string body)
    {
        var answer = await Host.PostAsync(body);
        Assert.Equal((400, "application/json", "Validation failed."), (answer.Status, answer.ContentType, answer.Message));
        Assert.Equal(_nothing, answer.Issues);
        Assert.Equal(["message", "issues"], answer.Json.EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public async Task A_request_without_a_body_at_all_lacks_everything_too()
    {
        Assert.Equal(_nothing, (await Host.SendAsync("POST", "/streams")).Issues);
        Assert.Equal(["streamId is required.", "status is required.", "status must be one of PROVISIONING, READY, LIVE, FAILED, COMPLETE."], (await Host.SendAsync("PUT", "/streams")).Issues);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("not json")]
    [InlineData("""{"streamId":"a"}}""")]
    [InlineData("""{"streamId":"a","streamId":"b"}""")]
    [InlineData("""{"title":"\ud800"}""")]
    [InlineData("""{"\udfff":1}""")]
    [InlineData("[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]")]
    public async Task What_is_no_JSON_is_told_so(string body)
    {
        foreach (var method in (string[])["POST", "PUT"])
        {
            var answer = await Host.SendAsync(method, "/streams", body);
            Assert.Equal((400, "Invalid request body."), (answer.Status, answer.Message));
            Assert.StartsWith("invalidJson:", Assert.Single(answer.Issues), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("\"s\"")]
    [InlineData("1")]
    [InlineData("true")]
    public async Task What_is_no_object_is_refused(string body)
    {
        var answer = await Host.PostAsync(body);
        Assert.Equal((400, "Invalid request body."), (answer.Status, answer.Message));
        Assert.Single(answer.Issues);
    }

    [Fact]
    public async Task Each_endpoint_is_told_what_it_lacks()
    {
        var answer = await Host.PostAsync("""{"streamId":"abc","title":"t","startTime":"2026-01-01T00:00:00Z","ingestEndpoints":["a",{"protocol":""},{"url":""}]}""");
        Assert.Equal((400, "Validation failed."), (answer.Status, answer.Message));
        Assert.Equal(
            [
                "ingestEndpoints[0] must be an object.", "ingestEndpoints[1].protocol is required.", "ingestEndpoints[1].url is required.", "ingestEndpoints[2].protocol is required.",
                "ingestEndpoints[2].url is required.",
            ], answer.Issues);
    }

    [Theory]
    [InlineData("\"ready\"")]
    [InlineData("\"DONE\"")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("[\"READY\"]")]
    public async Task A_status_is_one_of_five(string status)
    {
        var answer = await Host.PutAsync($$"""{"streamId":"abc","status":{{status}}}""");
        Assert.Equal((400, "Validation failed."), (answer.Status, answer.Message));
        Assert.Contains("status must be one of PROVISIONING, READY, LIVE, FAILED, COMPLETE.", answer.Issues);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    [InlineData("BREW")]
    public async Task Other_methods_are_405_and_told_which_do(string method)
    {
        var answer = await Host.SendAsync(method, "/streams");
        Assert.Equal((405, "application/json", $$"""{"message":"{{method}} not allowed. Expected POST, PUT."}"""), (answer.Status, answer.ContentType, answer.Text));
        Assert.Equal("POST, PUT", string.Join(", ", answer.ContentHeaders.Allow));
    }

    [Fact]
    public async Task HEAD_is_405_without_a_body()
    {
        var answer = await Host.SendAsync("HEAD", "/streams");
        Assert.Equal((405, ""), (answer.Status, answer.Text));
        Assert.Equal("POST, PUT", string.Join(", ", answer.ContentHeaders.Allow));
    }

    [Fact]
    public async Task An_update_is_answered_with_its_reason_only_where_there_is_one()
    {
        var id = Requests.NewId();
        await Host.PostAsync(Requests.Stream(id));
        var ready = await Host.PutAsync(Requests.Status(id, "READY", "checked"));
        Assert.Equal((200, "application/json"), (ready.Status, ready.ContentType));
        Assert.Equal(["streamId", "status", "detailType", "updatedAt", "reason"], ready.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal((id, "READY", "StreamLifecycleProgressed", "checked"), (Text("streamId"), Text("status"), Text("detailType"), Text("reason")));
        Assert.Matches(Time, Text("updatedAt"));
        var silent = await Host.PutAsync(Requests.Status(id, "LIVE", ""));
        Assert.Equal(["streamId", "status", "detailType", "updatedAt"], silent.Json.EnumerateObject().Select(member => member.Name));

        string Text(string name) => ready.Json.GetProperty(name).GetString()!;
    }

    [Fact]
    public async Task An_unknown_stream_is_404()
    {
        foreach (var answer in new[] { await Host.PutAsync(Requests.Status("nobody-knows-it", "READY")), await Host.GetAsync("/streams/nobody-knows-it"), await Host.GetAsync("/streams/a") })
        {
            Assert.Equal((404, "application/json"), (answer.Status, answer.ContentType));
            Assert.Single(answer.Issues);
        }
    }

    [Fact]
    public async Task A_transition_that_is_not_allowed_is_400()
    {
        var id = Requests.NewId();
        await Host.PostAsync(Requests.Stream(id));
        var answer = await Host.PutAsync(Requests.Status(id, "COMPLETE"));
        Assert.Equal((400, "Status transitions were invalid or missing"), (answer.Status, answer.Message));
        Assert.Equal(["status must not change from PROVISIONING to COMPLETE."], answer.Issues);
    }

    [Fact]
    public async Task The_framework_s_own_errors_have_the_same_shape()
    {
        var unknown = await Host.GetAsync("/nothing/here");
        Assert.Equal((404, "application/json"), (unknown.Status, unknown.ContentType));
        Assert.Empty(unknown.Issues);
        var method = await Host.SendAsync("DELETE", "/streams/abc");
        Assert.Equal((405, "DELETE not allowed. Expected GET, HEAD."), (method.Status, method.Message));
    }

    [Fact]
    public async Task A_body_is_bounded()
    {
        var answer = await Host.PostAsync(JsonSerializer.Serialize(new { streamId = new string('a', 70_000) }));
        Assert.Equal((413, "Request body is too large."), (answer.Status, answer.Message));
        Assert.Single(answer.Issues);
    }
}
