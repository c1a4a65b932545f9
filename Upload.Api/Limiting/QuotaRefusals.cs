using System.Globalization;
using Lifecycle.Contracts;
using Lifecycle.Store.Limiting;
using Microsoft.AspNetCore.Diagnostics;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Limiting;

/// <summary>The one answer of every route that begins a video for an account which has had its videos of today.</summary>
internal sealed partial class QuotaRefusals(LimitMetrics metrics, TimeProvider time, ILogger<QuotaRefusals> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not QuotaExceededException refusal)
        {
            return false;
        }

        var use = refusal.Use;
        metrics.QuotaRefused(refusal.IsFirst);
        if (refusal.IsFirst)
        {
            Log.UsedUp(logger, refusal.UserId, use.Limit, use.ResetsAt);
        }

        var wait = Math.Max(1, Math.Ceiling((use.ResetsAt - time.GetUtcNow()).TotalSeconds));
        await Problems.QuotaExceeded
            .ToResult(string.Create(CultureInfo.InvariantCulture, $"At most {use.Limit} videos a day; the next day begins at {use.ResetsAt.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}."), (int)wait)
            .ExecuteAsync(httpContext);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Account {UserId} has used up its quota of {Limit} videos a day until {ResetsAt}")]
        public static partial void UsedUp(ILogger logger, Guid userId, int limit, DateTimeOffset resetsAt);
    }
}
