using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;
using Live.Api.OpenApi;
using Live.Api.Streams;
using Microsoft.AspNetCore.Routing;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>The documents say what the service does.</summary>
public sealed partial class Documents(LiveFixture live) : IClassFixture<LiveFixture>
{
    private const string Committed = "docs/openapi/live-api.json";

    private const string Renew = "UPDATE_OPENAPI";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_committed_document_is_the_one_that_is_served()
    {
        var served = (await live.Host.GetAsync("/openapi.json")).Text;
        if (Environment.GetEnvironmentVariable(Renew) == "1")
        {
            await File.WriteAllTextAsync(Repository.PathOf(Committed), served, Ct);
        }

        Assert.True(await File.ReadAllTextAsync(Repository.PathOf(Committed), Ct) == served, $"{Committed} is not what the service serves. Renew it: run this test with {Renew}=1, and read the difference.");
    }

    [Fact]
    public void Every_route_has_its_row_and_every_row_its_route()
    {
        var routes = live.Host.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(method => $"{method} /{endpoint.RoutePattern.RawText!.Trim('/')}"))
            .Where(route => !route.Contains("/ingest/", StringComparison.Ordinal));
        Assert.Equal(routes.Order(StringComparer.Ordinal), OperationDocs.All.Select(row => $"{row.Method} {row.Path}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_state_machine_is_the_table()
    {
        var machine = LiveDocument.Write()["x-stateMachines"]![0]!;
        Assert.Equal(("StreamLifecycleOrchestrator", "ValidateProvisionRequest"), (machine["name"]!.GetValue<string>(), machine["startAt"]!.GetValue<string>()));
        Assert.Equal(["StreamProvisionRequested", "StreamLifecycleProgressed"], machine["emits"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.Equal("#/components/schemas/CreateStreamWorkflow", machine["inputSchema"]!["$ref"]!.GetValue<string>());
        var states = machine["states"]!.AsArray().Select(state => state!.AsObject()).ToList();
        Assert.Equal(Enum.GetNames<WorkflowState>(), states.Select(state => state["name"]!.GetValue<string>()));
        foreach (var state in states)
        {
            var from = Enum.Parse<WorkflowState>(state["name"]!.GetValue<string>());
            Assert.Equal(
                ProvisionWorkflow.Table.Transitions.Where(move => move.From == from).Select(move => $"{move.Trigger.ToString().ToLowerInvariant()} {move.To}").Order(StringComparer.Ordinal),
                state["transitions"]!.AsObject().Select(move => $"{move.Key} {move.Value}").Order(StringComparer.Ordinal));
            Assert.Equal(from switch { WorkflowState.WorkflowSucceeded => "Succeed", WorkflowState.WorkflowFailed => "Fail", _ => "Task" }, state["type"]!.GetValue<string>());
            Assert.Equal(from == WorkflowState.AwaitLifecycleConfirmation ? 900 : null, state["timeoutSeconds"]?.GetValue<int>());
            Assert.Equal(ProvisionWorkflow.IsOver(from), state["integration"] is null);
            Assert.NotEmpty(state["description"]!.GetValue<string>());
        }

        Assert.Equal(
            ["EmitProvisionRequestedEvent StreamProvisionRequested", "PublishReadyNotification StreamLifecycleProgressed", "HandleProvisionFailure StreamLifecycleProgressed"],
            states.SelectMany(state => state["emits"]!.AsArray().Select(told => $"{state["name"]} {told}")));
    }

    [Fact]
    public void Every_example_holds_against_its_schema()
    {
        var document = LiveDocument.Write();
        var count = 0;
        foreach (var (path, item) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in item!.AsObject())
            {
                Assert.NotEmpty(operation!["summary"]!.GetValue<string>());
                foreach (var content in operation["responses"]!.AsObject().Select(answer => answer.Value!["content"]).Append(operation["requestBody"]?["content"]).OfType<JsonObject>())
                {
                    ExampleCheck.Holds(document, content["application/json"]!["schema"]!, content["application/json"]!["example"], $"{method} {path}");
                    count++;
                }
            }
        }

        foreach (var told in document["x-events"]!.AsArray())
        {
            ExampleCheck.Holds(document, told!["detail"]!, told["example"]!["detail"], told["name"]!.GetValue<string>());
            count++;
        }

        Assert.True(count > 20, $"{count} examples");
    }

    /// <summary>What the document shows is what the service takes and gives.</summary>
    [Fact]
    public async Task The_examples_of_requests_are_taken_and_the_answers_hold_against_their_schemas()
    {
        var document = LiveDocument.Write();
        var example = ExampleOf("CreateStreamWorkflow");
        Assert.Equal(202, (await live.Host.PostAsync(example)).Status);
        Assert.Equal(200, (await live.Host.PutAsync(ExampleOf("UpdateStreamStatus"))).Status);
        var id = JsonNode.Parse(example)!["streamId"]!.GetValue<string>();
        await HoldsAsync("Stream", $"/streams/{id}");
        await HoldsAsync("Streams", "/streams?limit=5");
        await HoldsAsync("Health", "/health");
        await HoldsAsync("Error", "/streams/unknown-stream");

        string ExampleOf(string operation) => OperationDocs.All.Single(row => row.Id == operation).Request!.Example!;

        async Task HoldsAsync(string schema, string path) => ExampleCheck.Holds(document, document["components"]!["schemas"]![schema]!, JsonNode.Parse((await live.Host.GetAsync(path)).Text), path);
    }

    [Fact]
    public void The_requests_of_streams_http_are_routes_and_all_of_them()
    {
        var text = File.ReadAllText(Repository.PathOf("docs/http/streams.http"));
        var told = Line().Matches(text).Select(line => $"{line.Groups["method"].Value} {line.Groups["path"].Value.Replace("{{streamId}}", "{streamId}")}").Distinct(StringComparer.Ordinal);
        Assert.Equal(OperationDocs.All.Where(row => row.Method != "HEAD" && row.Tag == "Streams").Select(row => $"{row.Method} {row.Path}").Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_request_s_schema_has_the_bounds_of_its_reader()
    {
        var schemas = LiveDocument.Write()["components"]!["schemas"]!;
        var request = schemas["CreateStreamWorkflow"]!["properties"]!;
        Assert.Equal(
            (StreamIds.Pattern, StreamRequestReader.LongestTitle, StreamRequestReader.MostEndpoints, StreamMetadata.MostEntries, StreamUpdateReader.LongestReason),
            (request["streamId"]!["pattern"]!.GetValue<string>(), request["title"]!["maxLength"]!.GetValue<int>(), request["ingestEndpoints"]!["maxItems"]!.GetValue<int>(),
             request["metadata"]!["maxProperties"]!.GetValue<int>(), schemas["UpdateStreamStatus"]!["properties"]!["reason"]!["maxLength"]!.GetValue<int>()));
        Assert.Equal(StreamUpdateReader.Statuses, schemas["UpdateStreamStatus"]!["properties"]!["status"]!["enum"]!.AsArray().Select(status => status!.GetValue<string>()));
        Assert.Equal(IngestUrls.Protocols, request["ingestEndpoints"]!["items"]!["properties"]!["protocol"]!["enum"]!.AsArray().Select(name => name!.GetValue<string>()));
    }

    [GeneratedRegex(@"^(?<method>[A-Z]+) \{\{host\}\}(?<path>/[^\s?]*)(\?\S*)?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Line();
}
