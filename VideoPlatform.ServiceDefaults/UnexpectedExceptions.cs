using Lifecycle.Contracts;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace VideoPlatform.ServiceDefaults;

/// <summary>Tells a store that is away from a defect; the one who knows the stores' exceptions gives it.</summary>
public sealed record OutageTest(Func<Exception, bool> IsOutage);

/// <summary>What no handler expected: a store that is away is 503 with Retry-After, a body that breaks off 400, the rest 500 without a trace of why.</summary>
internal sealed partial class UnexpectedExceptions(OutageTest outages, ILogger<UnexpectedExceptions> logger) : IExceptionHandler
{
    private const int RetryAfterSeconds = 5;

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested)
        {
            Log.ClientGone(logger, httpContext.Request.Method, httpContext.Request.Path);
            return true;
        }

        if (exception is BadHttpRequestException bad)
        {
            await (bad.StatusCode == StatusCodes.Status413PayloadTooLarge ? Problems.TooLarge : Problems.MalformedBody).ToResult().ExecuteAsync(httpContext);
            return true;
        }

        if (outages.IsOutage(exception))
        {
            Log.StoreAway(logger, httpContext.Request.Method, httpContext.Request.Path, exception.Message);
            await Problems.Unavailable.ToResult(retryAfterSeconds: RetryAfterSeconds).ExecuteAsync(httpContext);
            return true;
        }

        Log.Unexpected(logger, exception, httpContext.Request.Method, httpContext.Request.Path);
        await Problems.Unexpected.ToResult().ExecuteAsync(httpContext);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "{Method} {Path}: the client is gone")]
        public static partial void ClientGone(ILogger logger, string method, string path);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} {Path}: a store is away: {Reason}")]
        public static partial void StoreAway(ILogger logger, string method, string path, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed unexpectedly")]
        public static partial void Unexpected(ILogger logger, Exception exception, string method, string path);
    }
}

/// <summary>Gives the framework's own bare answers (no route, wrong method) a body.</summary>
internal static class BareStatus
{
    public static Task WriteAsync(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => Problems.UnknownRoute.ToResult().ExecuteAsync(context),
        StatusCodes.Status405MethodNotAllowed => Problems.MethodNotAllowed.ToResult().ExecuteAsync(context),
        StatusCodes.Status413PayloadTooLarge => Problems.TooLarge.ToResult().ExecuteAsync(context),
        StatusCodes.Status415UnsupportedMediaType => Problems.UnsupportedMediaType.ToResult().ExecuteAsync(context),
        StatusCodes.Status400BadRequest => Problems.MalformedBody.ToResult().ExecuteAsync(context),
        _ => Task.CompletedTask,
    };
}
