using System.Text.Json.Serialization;
using Lifecycle.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace VideoPlatform.ServiceDefaults;

/// <summary>The body of an error, RFC 9457.</summary>
/// <param name="State">The video's state, where it is the reason.</param>
/// <param name="Allowed">What the state allows, where it is the reason.</param>
public sealed record ProblemBody(string Type, string Title, int Status, string? Detail, string? Instance, string? State = null, IReadOnlyList<string>? Allowed = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProblemBody))]
public sealed partial class ProblemJson : JsonSerializerContext;

/// <summary>Answers with a problem of the one table; never cached.</summary>
public sealed class ProblemResult(Problem problem, string? detail = null, int? retryAfterSeconds = null, string? state = null, IReadOnlyList<string>? allowed = null) : IResult, IStatusCodeHttpResult
{
    public int? StatusCode => problem.Status;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        if (httpContext.RequestServices.GetService<DetailErrors>() is not null)
        {
            return DetailErrors.Of(problem, detail, retryAfterSeconds).ExecuteAsync(httpContext);
        }

        if (httpContext.RequestServices.GetService<MessageErrors>() is not null)
        {
            return MessageErrors.Of(problem, detail, retryAfterSeconds, httpContext).ExecuteAsync(httpContext);
        }

        var response = httpContext.Response;
        response.StatusCode = problem.Status;
        response.Headers.CacheControl = "no-store";
        if (problem.Status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer"; // RFC 9110, 15.5.2: a 401 says what would do
        }

        if (retryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        ProblemBody body = new(problem.Type, problem.Title, problem.Status, detail, httpContext.Request.Path, state, allowed);
        return response.WriteAsJsonAsync(body, ProblemJson.Default.ProblemBody, "application/problem+json", httpContext.RequestAborted);
    }
}

public static class ProblemExtensions
{
    /// <summary>The problem as an answer.</summary>
    public static ProblemResult ToResult(this Problem problem, string? detail = null, int? retryAfterSeconds = null) => new(problem, detail, retryAfterSeconds);
}
