using System.Globalization;
using System.Text.Json.Nodes;
using Lifecycle.Contracts;
using Microsoft.OpenApi;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.OpenApi;

/// <summary>Turns a row into the document's operation, with what holds for all of them: credentials, limits, bodies, outages.</summary>
internal sealed class OperationWriter(OpenApiDocument document, Schemas schemas)
{
    public const string Bearer = "bearer";
    public const string ApiKey = "api_key";
    private const string ProblemType = "application/problem+json";

    public async Task<OpenApiOperation> WriteAsync(string tag, OperationDoc row, CancellationToken ct)
    {
        OpenApiOperation operation = new()
        {
            OperationId = row.Id,
            Summary = row.Summary,
            Description = row.Description,
            Tags = new HashSet<OpenApiTagReference> { new(tag, document) },
            Security = SecurityOf(row.Access),
            Parameters = [.. Parameters.Of(row.Path).Concat(row.Parameters).Select(ParameterOf)],
            Responses = [],
        };
        if (row.Request is { } request)
        {
            operation.RequestBody = new OpenApiRequestBody { Required = !row.IsRequestOptional, Content = await ContentAsync(request, ct) };
        }

        string[] limits = IsCounted(row) && !row.IsDataPlane ? [Headers.RateLimit, Headers.RateLimitPolicy] : [];
        foreach (var answer in row.Also.Prepend(row.Answer))
        {
            operation.Responses[Text(answer.Status)] = new OpenApiResponse
            {
                Description = answer.Description,
                Headers = HeadersOf([.. answer.Headers, .. limits]),
                Content = answer.Body is { } body ? await ContentAsync(body, ct) : null,
            };
        }

        foreach (var problems in ProblemsOf(row).DistinctBy(problem => problem.Code).GroupBy(problem => problem.Status).OrderBy(group => group.Key))
        {
            // HealthBody has a 503 of its own.
            operation.Responses.TryAdd(Text(problems.Key), await SharedAsync(row, [.. problems], ct));
        }

        return operation;
    }

    private static bool IsCounted(OperationDoc row) => row.Path.StartsWith("/api/v1/", StringComparison.Ordinal) || row.Path.StartsWith("/files", StringComparison.Ordinal);

    public static IEnumerable<Problem> ProblemsOf(OperationDoc row)
    {
        IEnumerable<Problem> access = row.Access switch
        {
            Access.Open => [],
            Access.Admin => [Problems.Unauthorized, Problems.Forbidden],
            _ => [Problems.Unauthorized],
        };
        IEnumerable<Problem> body = row.Request?.MediaType switch
        {
            null => [],
            "application/json" => [Problems.MalformedBody, Problems.UnsupportedMediaType, Problems.TooLarge],
            _ => [Problems.MalformedBody],
        };
        return [.. row.Problems, .. access, .. body, .. IsCounted(row) ? [Problems.TooManyRequests] : (IEnumerable<Problem>)[], Problems.Unavailable];
    }

    /// <summary>A refusal of one problem stands once in the document, among the components.</summary>
    private async Task<IOpenApiResponse> SharedAsync(OperationDoc row, IReadOnlyList<Problem> problems, CancellationToken ct)
    {
        if (problems is not [var only] || row.Method == "HEAD")
        {
            return await RefusalAsync(row, problems, ct);
        }

        var id = IsCounted(row) ? only.Code : $"{only.Code}-uncounted";
        document.Components!.Responses ??= new Dictionary<string, IOpenApiResponse>(StringComparer.Ordinal);
        if (!document.Components.Responses.ContainsKey(id))
        {
            document.Components.Responses[id] = await RefusalAsync(row, problems, ct);
        }

        return new OpenApiResponseReference(id, document);
    }

    private async Task<OpenApiResponse> RefusalAsync(OperationDoc row, IReadOnlyList<Problem> problems, CancellationToken ct)
    {
        List<string> headers = problems[0].Status switch
        {
            StatusCodes.Status401Unauthorized => [Headers.WwwAuthenticate],
            StatusCodes.Status429TooManyRequests => [Headers.RetryAfter],
            StatusCodes.Status503ServiceUnavailable => [Headers.RetryAfter],
            _ => [],
        };
        if (IsCounted(row))
        {
            headers.AddRange([Headers.RateLimit, Headers.RateLimitPolicy]);
        }

        OpenApiMediaType media = new()
        {
            Schema = await schemas.OfAsync(typeof(ProblemBody), ct),
            Examples = problems.ToDictionary(problem => problem.Code, problem => (IOpenApiExample)new OpenApiExampleReference(problem.Code, document), StringComparer.Ordinal),
        };
        return new()
        {
            Description = string.Join(' ', problems.Select(problem => $"`{problem.Type}`: {problem.Title}")),
            Headers = HeadersOf(headers),
            Content = row.Method == "HEAD" ? null : new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { [ProblemType] = media },
        };
    }

    public async Task<Dictionary<string, OpenApiMediaType>> ContentAsync(BodyDoc body, CancellationToken ct)
    {
        OpenApiMediaType media = new() { Example = body is { Example: { } example } ? body.Type is null ? example : JsonNode.Parse(example) : null };
        media.Schema = body switch
        {
            { Type: { } type } => await schemas.OfAsync(type, ct),
            { FileField: { } field } => new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string>(StringComparer.Ordinal) { field },
                Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
                {
                    [field] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = "The file. The form may have other fields, which are not read." },
                },
            },
            { Example: not null } => new OpenApiSchema { Type = JsonSchemaType.String },
            _ => new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
        };
        return new(StringComparer.Ordinal) { [body.MediaType] = media };
    }

    private Dictionary<string, IOpenApiHeader>? HeadersOf(List<string> names) =>
        names.Count == 0 ? null : names.ToDictionary(name => name, name => Headers.Reference(name, document), StringComparer.Ordinal);

    /// <summary>Either of the credentials; an empty requirement stands for none.</summary>
    private List<OpenApiSecurityRequirement> SecurityOf(Access access)
    {
        List<OpenApiSecurityRequirement> either =
        [
            new() { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] },
            new() { [new OpenApiSecuritySchemeReference(ApiKey, document)] = [] },
        ];
        return access switch
        {
            Access.Open => [],
            Access.Optional => [new(), .. either],
            _ => either,
        };
    }

    public static IOpenApiParameter ParameterOf(ParameterDoc parameter) => new OpenApiParameter
    {
        Name = parameter.Name,
        In = parameter.In,
        Required = parameter.IsRequired,
        Description = parameter.Description,
        Schema = new OpenApiSchema { Type = parameter.Type, Format = parameter.Format, Enum = parameter.Values.Count == 0 ? null : [.. parameter.Values.Select(value => (JsonNode)value)] },
    };

    private static string Text(int status) => status.ToString(CultureInfo.InvariantCulture);
}
