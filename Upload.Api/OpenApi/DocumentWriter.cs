using System.Text.Json.Nodes;
using Lifecycle.Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Upload.Api.Accounts;
using Upload.Api.Chunks;
using Upload.Api.Jobs;
using Upload.Api.Monitoring;
using Upload.Api.Status;
using Upload.Api.Uploads;
using Upload.Api.Uploads.Sessions;
using Upload.Api.Uploads.Tus;
using Upload.Api.Videos;
using Upload.Api.Webhooks;

namespace Upload.Api.OpenApi;

/// <summary>
/// The document from the features' tables. The handlers' signatures tell little (they answer with any result, and read headers
/// themselves), so nothing is inferred from them; a test holds the tables against the routes.
/// </summary>
public sealed class DocumentWriter : IOpenApiDocumentTransformer
{
    private const string Version = "3.0.0"; // of seed 004's API

    private const string Description = """
        Requests carry `Authorization: Bearer TOKEN` from a login, or `X-API-Key`. Errors are `application/problem+json` (RFC 9457): `type` is stable and tells them apart,
        `title` never depends on the request, `detail` says what to mend. What another account owns does not exist (404).

        Lists come newest first, `limit` entries a page; a page's `next`, sent as `after`, brings the following one. Creations take an `Idempotency-Key`, with which they are safe
        to repeat. Requests are counted for each account or address (`RateLimit`, `RateLimit-Policy`); beyond the limit they are 429 with `Retry-After`.
        """;

    /// <summary>All tables, in the order of the document's tags.</summary>
    public static IReadOnlyList<FeatureDoc> Features { get; } =
        [AccountDocs.Feature, UploadDocs.Feature, ChunkUploadDocs.Feature, SessionDocs.Feature, TusDocs.Feature, VideoDocs.Feature, JobDocs.Feature, DeadLetterDocs.Feature, WebhookDocs.Feature, MonitoringDocs.Feature, StatusDocs.Feature];

    public async Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new() { Title = "VideoPlatform", Version = Version, Description = Description };
        document.Servers = [new() { Url = "http://127.0.0.1:8080", Description = "The gateway of ./run" }];
        document.Tags = Features.Select(feature => new OpenApiTag { Name = feature.Name, Description = feature.Description }).ToHashSet();
        document.Components = new()
        {
            SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
            {
                [OperationWriter.ApiKey] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-API-Key", Description = "An account's API key." },
                [OperationWriter.Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "The token of a login." },
            },
            Headers = Headers.All.ToDictionary(
                header => header.Key, header => (IOpenApiHeader)new OpenApiHeader { Description = header.Value, Schema = new OpenApiSchema { Type = JsonSchemaType.String } }, StringComparer.Ordinal),
        };
        Schemas schemas = new(document, context);
        OperationWriter operations = new(document, schemas);
        document.Paths = [];
        foreach (var path in Features.SelectMany(feature => feature.Operations.Select(row => (feature.Name, Row: row))).GroupBy(pair => pair.Row.Path).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            OpenApiPathItem item = new();
            foreach (var (tag, row) in path)
            {
                item.AddOperation(new(row.Method), await operations.WriteAsync(tag, row, cancellationToken));
            }

            document.Paths[path.Key] = item;
        }

        await EventWriter.WriteAsync(document, operations, cancellationToken);
        document.Components.Schemas = Sorted(document.Components.Schemas!);
        document.Components.Responses = Sorted(document.Components.Responses!);
        document.Components.Examples = Sorted(UsedProblems().ToDictionary(problem => problem.Code, ExampleOf, StringComparer.Ordinal));
    }

    private static IEnumerable<Problem> UsedProblems() => Features.SelectMany(feature => feature.Operations).SelectMany(OperationWriter.ProblemsOf).Distinct();

    private static IOpenApiExample ExampleOf(Problem problem) => new OpenApiExample
    {
        Value = new JsonObject { ["type"] = problem.Type, ["title"] = problem.Title, ["status"] = problem.Status },
    };

    private static Dictionary<string, T> Sorted<T>(IDictionary<string, T> items) => items.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
}
