using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Testing;
using Upload.Api.Limiting;
using Upload.Api.OpenApi;
using Upload.Api.Webhooks;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>The document of the API says what the service does.</summary>
public sealed class OpenApiTests(Servers servers) : IAsyncLifetime
{
    private const string Committed = "docs/openapi/upload-api.json";

    private const string Renew = "UPDATE_OPENAPI";

    private static readonly string[] _notTold = ["/alive", "/ready"];

    private TestStore _store = null!;
    private ApiHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static IEnumerable<OperationDoc> Rows => DocumentWriter.Features.SelectMany(feature => feature.Operations);

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _host = await ApiHost.StartAsync(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task The_committed_document_is_the_one_that_is_served()
    {
        var served = await _host.Http.GetStringAsync("/api/v1/openapi.json", Ct);
        if (Environment.GetEnvironmentVariable(Renew) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Repository.PathOf(Committed))!);
            await File.WriteAllTextAsync(Repository.PathOf(Committed), served, Ct);
        }

        Assert.True(await File.ReadAllTextAsync(Repository.PathOf(Committed), Ct) == served, $"{Committed} is not what the service serves. Renew it: run this test with {Renew}=1, and read the difference.");
    }

    [Fact]
    public async Task Every_operation_has_a_summary_and_a_success_and_its_JSON_bodies_have_examples()
    {
        var document = await DocumentAsync();
        Assert.StartsWith("3.1.", document["openapi"]!.GetValue<string>(), StringComparison.Ordinal);
        foreach (var (name, operation) in Operations(document, "paths").Concat(Operations(document, "webhooks")))
        {
            Assert.False(string.IsNullOrEmpty(operation["summary"]?.GetValue<string>()), $"{name} has no summary");
            Assert.Contains(operation["responses"]!.AsObject(), answer => answer.Key[0] == '2');
            foreach (var (type, media) in Bodies(operation).Where(body => body.Type.EndsWith("json", StringComparison.Ordinal)))
            {
                Assert.True(media["example"] is not null || media["examples"] is JsonObject { Count: > 0 }, $"{name} has {type} without an example");
            }
        }

        var ids = Operations(document, "paths").Select(pair => pair.Operation["operationId"]!.GetValue<string>()).ToList();
        Assert.Equal(ids.Distinct(StringComparer.Ordinal), ids);
    }

    [Fact]
    public void Every_route_has_its_row_and_every_row_its_route()
    {
        var routes = Endpoints().SelectMany(endpoint => MethodsOf(endpoint).Select(method => $"{method} {PathOf(endpoint)}")).Where(route => !route.Contains(" /files", StringComparison.Ordinal));
        Assert.Equal(routes.Order(StringComparer.Ordinal), Rows.Select(row => $"{row.Method} {row.Path}").Where(row => !row.Contains(" /files", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

        // tus tells its methods apart itself: its rows are the paths.
        Assert.Equal(["/files", "/files/{fileId}"], Endpoints().Where(endpoint => MethodsOf(endpoint).Count == 0).Select(PathOf).Except(_notTold, StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Assert.Equal(["/files", "/files/{fileId}"], Rows.Select(row => row.Path).Where(path => path.StartsWith("/files", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal));
    }

    /// <summary>What a handler takes from path and query, and whom its route lets in, the row says too.</summary>
    [Fact]
    public void A_row_has_the_parameters_and_the_access_of_its_handler()
    {
        var handlers = _host.Get<IApiDescriptionGroupCollectionProvider>().ApiDescriptionGroups.Items.SelectMany(group => group.Items).ToDictionary(api => $"{api.HttpMethod} /{api.RelativePath!.TrimEnd('/')}", StringComparer.Ordinal);
        Assert.True(handlers.Count > 40);
        foreach (var endpoint in Endpoints())
        {
            foreach (var method in MethodsOf(endpoint))
            {
                var name = $"{method} {PathOf(endpoint)}";
                var row = Rows.Single(row => $"{row.Method} {row.Path}" == name);
                Assert.Equal(
                    handlers[name].ParameterDescriptions.Where(parameter => parameter.Source == BindingSource.Query).Select(parameter => parameter.Name).Order(StringComparer.Ordinal),
                    row.Parameters.Where(parameter => parameter.In == ParameterLocation.Query).Select(parameter => parameter.Name).Order(StringComparer.Ordinal));
                var needed = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null && endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Count + endpoint.Metadata.GetOrderedMetadata<AuthorizationPolicy>().Count > 0;
                Assert.True(row.Access is Access.Account or Access.Admin == needed, $"{name}: {row.Access}");
                Assert.Equal(row.Access == Access.Admin, endpoint.Metadata.GetOrderedMetadata<AuthorizationPolicy>().Any(policy => policy.Requirements.Count > 1));
                Assert.Equal(row.IsDataPlane, endpoint.Metadata.GetMetadata<DataPlaneAttribute>() is not null);
            }
        }
    }

    /// <summary>Both ways: into the type, which may know no less, and against the schema, which may demand no more.</summary>
    [Fact]
    public async Task Every_example_is_one_of_its_type_and_of_its_schema()
    {
        JsonSerializerOptions strict = new(_host.Get<IOptions<JsonOptions>>().Value.SerializerOptions) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, PropertyNameCaseInsensitive = false };
        var bodies = Rows.SelectMany(row => row.Also.Prepend(row.Answer).Select(answer => answer.Body).Append(row.Request)).Concat(EventDocs.All.Select(sent => sent.Body)).OfType<BodyDoc>().Where(body => body.Type is not null).ToList();
        Assert.True(bodies.Count > 50);
        Assert.All(bodies, body => Assert.NotNull(JsonSerializer.Deserialize(body.Example!, body.Type!, strict)));

        var document = await DocumentAsync();
        var checkedOnes = 0;
        foreach (var (name, operation) in Operations(document, "paths").Concat(Operations(document, "webhooks")))
        {
            foreach (var (_, media) in Bodies(operation).Where(body => body.Type == "application/json"))
            {
                ExampleCheck.Holds(document, media["schema"]!, media["example"], name);
                checkedOnes++;
            }
        }

        Assert.True(checkedOnes > 50);
        foreach (var (code, example) in document["components"]!["examples"]!.AsObject())
        {
            ExampleCheck.Holds(document, document["components"]!["schemas"]!["ProblemBody"]!, example!["value"], code);
        }
    }

    private async Task<JsonNode> DocumentAsync() => JsonNode.Parse(await _host.Http.GetStringAsync("/api/v1/openapi.json", Ct))!;

    private static IEnumerable<(string Name, JsonObject Operation)> Operations(JsonNode document, string section) =>
        document[section]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => ($"{operation.Key} {path.Key}", operation.Value!.AsObject())));

    private static IEnumerable<(string Type, JsonNode Media)> Bodies(JsonObject operation) => operation["responses"]!.AsObject().Select(answer => answer.Value!["content"]).Append(operation["requestBody"]?["content"])
        .OfType<JsonObject>().SelectMany(content => content.Select(media => (media.Key, media.Value!)));

    private List<RouteEndpoint> Endpoints() => [.. _host.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()];

    private static IReadOnlyList<string> MethodsOf(RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [];

    private static string PathOf(RouteEndpoint endpoint) => $"/{endpoint.RoutePattern.RawText!.Trim('/')}";
}
