using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Upload.Api.OpenApi;

/// <summary><c>GET /api/v1/openapi.json</c>: docs/openapi/upload-api.json, to the byte.</summary>
public static class OpenApiRoutes
{
    private const string Name = "upload-api";

    public static IServiceCollection AddApiDocument(this IServiceCollection services)
    {
        services.AddOpenApi(Name, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            options.ShouldInclude = _ => false; // the tables tell the operations
            options.AddDocumentTransformer<DocumentWriter>();
        });
        return services.AddSingleton<ApiDocument>();
    }

    public static void MapApiDocument(this IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/openapi.json", async (ApiDocument document, CancellationToken ct) =>
        TypedResults.Bytes(await document.BytesAsync(ct), "application/json")).AllowAnonymous();

    /// <summary>The document is the same as long as the process lives: it is written once.</summary>
    internal sealed class ApiDocument([FromKeyedServices(Name)] IOpenApiDocumentProvider documents)
    {
        private readonly Lazy<Task<byte[]>> _bytes = new(async () =>
        {
            var document = await documents.GetOpenApiDocumentAsync(CancellationToken.None);
            using MemoryStream stream = new();
            await document.SerializeAsJsonAsync(stream, OpenApiSpecVersion.OpenApi3_1, CancellationToken.None);
            stream.WriteByte((byte)'\n');
            return stream.ToArray();
        });

        public Task<byte[]> BytesAsync(CancellationToken ct) => _bytes.Value.WaitAsync(ct);
    }
}
