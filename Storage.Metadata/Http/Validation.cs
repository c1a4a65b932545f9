using System.Text.Json.Serialization;

namespace Storage.Metadata.Http;

/// <summary>One thing that is wrong with a request, in the shape that existing clients read: where it is, what, and its kind.</summary>
public sealed record ValidationIssue(IReadOnlyList<string> Loc, string Msg, string Type)
{
    public static ValidationIssue Missing(params string[] loc) => new(loc, "Field required", "missing");
}

public sealed record ValidationBody(IReadOnlyList<ValidationIssue> Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ValidationBody))]
internal sealed partial class ValidationJson : JsonSerializerContext;

/// <summary>422 with every issue.</summary>
internal sealed class UnprocessableResult(IReadOnlyList<ValidationIssue> issues) : IResult, IStatusCodeHttpResult
{
    public int? StatusCode => StatusCodes.Status422UnprocessableEntity;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
        httpContext.Response.Headers.CacheControl = "no-store";
        return httpContext.Response.WriteAsJsonAsync(new ValidationBody(issues), ValidationJson.Default.ValidationBody, contentType: null, httpContext.RequestAborted);
    }
}
