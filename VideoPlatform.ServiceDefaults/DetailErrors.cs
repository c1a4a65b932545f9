using System.Globalization;
using System.Text.Json.Serialization;
using Lifecycle.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace VideoPlatform.ServiceDefaults;

/// <summary>Seed 002's error, which its existing clients read: one field with a sentence.</summary>
public sealed record DetailBody(string Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DetailBody))]
public sealed partial class DetailJson : JsonSerializerContext;

/// <summary>Answers with <c>{"detail": "..."}</c>; never cached.</summary>
public sealed class DetailResult(int status, string detail, int? retryAfterSeconds = null) : IResult, IStatusCodeHttpResult
{
    public int? StatusCode => status;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = status;
        response.Headers.CacheControl = "no-store";
        if (retryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        return response.WriteAsJsonAsync(new DetailBody(detail), DetailJson.Default.DetailBody, contentType: null, httpContext.RequestAborted);
    }
}

/// <summary>Marks a service whose errors have that shape, also the framework's own.</summary>
public sealed class DetailErrors
{
    internal static DetailResult Of(Problem problem, string? detail, int? retryAfterSeconds) => new(
        problem.Status,
        detail ?? (problem == Problems.UnknownRoute ? "Not Found" : problem == Problems.MethodNotAllowed ? "Method Not Allowed" : problem.Title),
        retryAfterSeconds);
}

public static class DetailErrorExtensions
{
    /// <summary>Every error of this service is <c>{"detail": "..."}</c>.</summary>
    public static IServiceCollection AddDetailErrors(this IServiceCollection services) => services.AddSingleton<DetailErrors>();
}
