using System.Globalization;
using System.Text.Json.Serialization;
using Lifecycle.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace VideoPlatform.ServiceDefaults;

/// <summary>Seed 001's error.</summary>
/// <param name="Issues">What is wrong, a sentence each; absent where the message says it all.</param>
public sealed record MessageBody(string Message, IReadOnlyList<string>? Issues);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MessageBody))]
public sealed partial class MessageJson : JsonSerializerContext;

/// <summary>Answers with <c>{"message": "...", "issues": [...]}</c>; never cached.</summary>
public sealed class MessageResult(int status, string message, IReadOnlyList<string>? issues, int? retryAfterSeconds = null) : IResult, IStatusCodeHttpResult
{
    public int? StatusCode => status;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = status;
        response.Headers.CacheControl = "no-store";
        if (status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer"; // RFC 9110, 15.5.2: a 401 says what would do
        }

        if (retryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        return response.WriteAsJsonAsync(new MessageBody(message, issues), MessageJson.Default.MessageBody, "application/json", httpContext.RequestAborted);
    }
}

/// <summary>Marks a service whose errors have that shape, also the framework's own.</summary>
public sealed class MessageErrors
{
    internal static MessageResult Of(Problem problem, string? detail, int? retryAfterSeconds, HttpContext context) => problem == Problems.MethodNotAllowed
        ? new(problem.Status, $"{context.Request.Method} not allowed. Expected {context.Response.Headers.Allow}.", null)
        : new(problem.Status, problem.Title, detail is null ? [] : [detail], retryAfterSeconds);
}

public static class MessageErrorExtensions
{
    /// <summary>Every error of this service is <c>{"message": "...", "issues": [...]}</c>.</summary>
    public static IServiceCollection AddMessageErrors(this IServiceCollection services) => services.AddSingleton<MessageErrors>();
}
