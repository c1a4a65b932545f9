using System.Text.Json;
using System.Text.Json.Serialization;

namespace Upload.Api;

/// <summary>
/// The JSON of request bodies and of the document's schemas: snake_case (seed 004), and what is null is left out. Every context in
/// the resolver chain takes the names from here. What seed 000 wrote in camelCase names itself.
/// </summary>
public static class HostJson
{
    public static IServiceCollection AddHostJson(this IServiceCollection services) => services.ConfigureHttpJsonOptions(json =>
    {
        json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
    });
}
