using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Upload.Api.OpenApi;

/// <summary>The schemas of the bodies' types: each object once, among the components.</summary>
internal sealed class Schemas(OpenApiDocument document, OpenApiDocumentTransformerContext context)
{
    // The framework's marks on what it made.
    private const string IdKey = "x-schema-id";
    private const string NullableKey = "x-is-nullable-property";

    /// <summary>A reference to the type's schema, which is added to the document with all that it holds.</summary>
    public async Task<IOpenApiSchema> OfAsync(Type type, CancellationToken ct) => Take(await context.GetOrCreateSchemaAsync(type, null, ct), out _);

    /// <param name="found">As the framework makes it.</param>
    /// <param name="nullable">True where it allows null: the platform's bodies leave such a thing out, so it is only not required.</param>
    private IOpenApiSchema Take(IOpenApiSchema found, out bool nullable)
    {
        nullable = false;
        if (found is not OpenApiSchema schema)
        {
            return found;
        }

        nullable = schema.Metadata?.TryGetValue(NullableKey, out var marked) == true && marked is true;

        if (schema.OneOf is { Count: 2 } choice && choice.Any(IsNull))
        {
            nullable = true;
            return Take(choice.Single(one => !IsNull(one)), out _);
        }

        if (schema.Type is { } types)
        {
            nullable |= types.HasFlag(JsonSchemaType.Null);
            types &= ~JsonSchemaType.Null;
            if (types.HasFlag(JsonSchemaType.Integer) || types.HasFlag(JsonSchemaType.Number))
            {
                (types, schema.Pattern) = (types & ~JsonSchemaType.String, null); // numbers as text are read, but not for anybody to send
            }

            schema.Type = types;
        }

        if (schema.Items is { } items)
        {
            schema.Items = Take(items, out _);
        }

        if (schema.AdditionalProperties is { } values)
        {
            schema.AdditionalProperties = Take(values, out _);
        }

        return schema.Properties is { Count: > 0 } ? Component(schema) : schema;
    }

    private OpenApiSchemaReference Component(OpenApiSchema schema)
    {
        var id = schema.Metadata?.TryGetValue(IdKey, out var named) == true && named is string { Length: > 0 } text
            ? text
            : throw new InvalidOperationException("An object without a name: bodies are records of their own.");
        document.Components!.Schemas ??= new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal);
        if (document.Components.Schemas.TryAdd(id, schema))
        {
            schema.Required = new SortedSet<string>(StringComparer.Ordinal);
            foreach (var (name, property) in schema.Properties!.ToList())
            {
                schema.Properties![name] = Take(property, out var nullable);
                if (!nullable && schema.Properties[name] is not OpenApiSchema { Type: null })
                {
                    schema.Required.Add(name);
                }
            }
        }

        return new(id, document);
    }

    private static bool IsNull(IOpenApiSchema schema) => schema.Type == JsonSchemaType.Null;
}
