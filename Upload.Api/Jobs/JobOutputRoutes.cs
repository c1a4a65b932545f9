using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Objects;
using Microsoft.Net.Http.Headers;
using Upload.Api.Accounts;
using Upload.Api.Limiting;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Jobs;

/// <summary>Bounds the downloads that this replica serves at a time.</summary>
public sealed class DownloadGate() : Gate(256);

/// <summary>
/// <c>GET /api/v1/jobs/{id}/output</c>: the file that a job has made, with Range, If-Range, ETag and HEAD. For HLS it is the playlist, and
/// the file that it cuts stands beneath it.
/// </summary>
internal static class JobOutputRoutes
{
    public static void MapOutput(this RouteGroupBuilder jobs)
    {
        string[] reads = [HttpMethods.Get, HttpMethods.Head];
        jobs.MapMethods("/{jobId}/output", reads, (string jobId, HttpContext context, Caller caller, JobStore store, ObjectStore objects, DownloadGate gate, CancellationToken ct) =>
            DownloadAsync(jobId, null, context, caller, store, objects, gate, ct)).IsDataPlane();
        jobs.MapMethods("/{jobId}/output/{name}", reads, DownloadAsync).IsDataPlane();
    }

    private static async Task<IResult> DownloadAsync(
        string jobId, string? name, HttpContext context, Caller caller, JobStore jobs, ObjectStore objects, DownloadGate gate, CancellationToken ct)
    {
        if (await JobRoutes.FindAsync(jobId, caller, jobs, ct) is not { } job)
        {
            return Problems.UnknownJob.ToResult();
        }

        if (JobBody.OutputOf(job) is not { } output)
        {
            return new ProblemResult(Problems.NoOutput, state: JobLifecycle.Table.NameOf(job.State));
        }

        var file = name is null ? output.Files[0] : output.Files.Skip(1).FirstOrDefault(each => each.Name == name);
        if (file is null)
        {
            return Problems.UnknownRoute.ToResult();
        }

        if (gate.TryEnter() is not { } place)
        {
            return Problems.Unavailable.ToResult("This server serves no more downloads at the moment.", Problems.RetryAfterSeconds);
        }

        context.Response.RegisterForDispose(place);
        context.Response.Headers.CacheControl = "private, max-age=31536000, immutable"; // a job makes its output once
        return new Download(TypedResults.Stream(
            new ObjectReadStream(objects, file.Key, file.Bytes), file.ContentType, name is null ? $"{job.Id}{Path.GetExtension(file.Name)}" : null,
            job.FinishedAt, new EntityTagHeaderValue($"\"{file.Sha256}\""), enableRangeProcessing: true));
    }

    /// <summary>The framework's download, with the platform's words for a range outside the content.</summary>
    private sealed class Download(IResult inner) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            await inner.ExecuteAsync(httpContext);
            if (httpContext.Response is { HasStarted: false, StatusCode: StatusCodes.Status416RangeNotSatisfiable } response)
            {
                (response.ContentType, response.ContentLength) = (null, null);
                response.Headers.Remove(HeaderNames.ContentDisposition);
                await Problems.RangeNotSatisfiable.ToResult().ExecuteAsync(httpContext);
            }
        }
    }
}
