using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Videos;
using Lifecycle.Store.Workers;
using Upload.Api.Accounts;
using Upload.Api.Uploads;
using Upload.Api.Videos;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Jobs;

/// <summary><c>POST /api/v1/videos/{id}/transcode</c> and <c>/api/v1/jobs</c> (seed 004). What somebody else owns does not exist (404).</summary>
public static class JobRoutes
{
    public static IServiceCollection AddJobs(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, JobBodyJson.Default));
        return services.AddSingleton<DownloadGate>();
    }

    public static void MapJobs(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/api/v1/videos/{videoId}/transcode", CreateAsync).RequireAuthorization();
        var jobs = routes.MapGroup("/api/v1/jobs").RequireAuthorization();
        jobs.MapGet("/", ListAsync);
        jobs.MapGet("/{jobId}", GetAsync);
        jobs.MapDelete("/{jobId}", DeleteAsync);
        jobs.MapPost("/{jobId}/cancel", (string jobId, Caller caller, JobStore store, CancellationToken ct) => MoveAsync(jobId, caller, store, JobTrigger.Cancelled, "Job cancelled", ct));
        jobs.MapPost("/{jobId}/pause", (string jobId, Caller caller, JobStore store, CancellationToken ct) => MoveAsync(jobId, caller, store, JobTrigger.Paused, "Job paused", ct));
        jobs.MapPost("/{jobId}/resume", (string jobId, Caller caller, JobStore store, CancellationToken ct) => MoveAsync(jobId, caller, store, JobTrigger.Resumed, "Job resumed", ct));
        jobs.MapOutput();
        routes.MapDeadLetters();
    }

    /// <summary>The job, where it is one of the caller's.</summary>
    internal static async Task<JobDetails?> FindAsync(string jobId, Caller caller, JobStore jobs, CancellationToken ct) =>
        Guid.TryParseExact(jobId, "D", out var id) && await jobs.FindAsync(id, ct) is { } job && caller.MayUse(job.OwnerId) ? job : null;

    private static async Task<IResult> CreateAsync(
        string videoId, Caller caller, HttpRequest http, TranscodeRequest? request, VideoLibrary library, JobStore jobs, WorkerRegistry workers, CancellationToken ct)
    {
        if (await VideoRoutes.FindAsync(videoId, caller, library, ct) is not { } video)
        {
            return Problems.UnknownVideo.ToResult();
        }

        if (TranscodeValidation.Read(request, await workers.EncodersAsync(ct), out var valid) is { } refusal)
        {
            return refusal;
        }

        if (!IdempotencyHeader.TryRead(http, out var key))
        {
            return Problems.MalformedHeader.ToResult(IdempotencyHeader.Rule);
        }

        NewJob job = new(JobKind.Transcode, Version: 0, JsonSerializer.Serialize(valid.Config, JobJson.Default.TranscodeConfig), valid.Priority, key);
        var (outcome, jobId) = await jobs.CreateAsync(video.Id, job, valid.DependsOn, caller.IsAdmin ? null : caller.UserId, ct);
        return outcome switch
        {
            JobCreation.Created or JobCreation.Repeated => await jobs.FindAsync(jobId, ct) is { } made
                ? TypedResults.Json(JobBody.Of(made), JobBodyJson.Default.JobBody, statusCode: StatusCodes.Status201Created)
                : Problems.UnknownVideo.ToResult(), // deleted in between
            JobCreation.KeyReused => Problems.IdempotencyReused.ToResult(),
            JobCreation.TooMany => Problems.TooManyJobs.ToResult($"At most {JobStore.MostOpenPerVideo} jobs of a video are open at a time."),
            JobCreation.BadDependency => Problems.InvalidField.ToResult("depends_on names jobs of yours that have neither failed nor been cancelled."),
            _ => new ProblemResult(Problems.StateConflict, "A video that failed or is gone cannot be transcoded.", state: VideoRoutes.StatusOf(video.State)),
        };
    }

    private static async Task<IResult> ListAsync(Caller caller, JobStore jobs, string? status, string? videoId, string? after, int? limit, CancellationToken ct)
    {
        if (Page.Read(after, limit, out var page) is { } refusal)
        {
            return refusal;
        }

        JobState? state = null;
        if (status is not null)
        {
            state = JobLifecycle.Table.Find(status);
            if (state is null)
            {
                return Problems.InvalidField.ToResult($"status is one of: {string.Join(", ", Enum.GetValues<JobState>().Select(JobLifecycle.Table.NameOf))}.");
            }
        }

        Guid? video = null;
        if (videoId is not null)
        {
            if (!Guid.TryParseExact(videoId, "D", out var id))
            {
                return Problems.InvalidField.ToResult("videoId is a video's id.");
            }

            video = id;
        }

        var (shown, next) = page.Cut(await jobs.ListAsync(caller.IsAdmin ? null : caller.UserId, video, state, page.Below, page.Asked, ct), job => job.Id);
        return TypedResults.Json(new JobsBody([.. shown.Select(JobBody.Of)], next), JobBodyJson.Default.JobsBody);
    }

    private static async Task<IResult> GetAsync(string jobId, Caller caller, JobStore jobs, CancellationToken ct) =>
        await FindAsync(jobId, caller, jobs, ct) is { } job ? TypedResults.Json(JobBody.Of(job), JobBodyJson.Default.JobBody) : Problems.UnknownJob.ToResult();

    private static async Task<IResult> DeleteAsync(string jobId, Caller caller, JobStore jobs, CancellationToken ct)
    {
        if (await FindAsync(jobId, caller, jobs, ct) is not { } job)
        {
            return Problems.UnknownJob.ToResult();
        }

        var deletion = await jobs.DeleteAsync(job.Id, ct);
        return deletion.Outcome switch
        {
            MoveOutcome.Moved => TypedResults.NoContent(),
            MoveOutcome.Missing => Problems.UnknownJob.ToResult(),
            _ => Conflict("Only a transcode job that has ended can be deleted; cancel it first.", deletion.State),
        };
    }

    /// <summary>Repeating a move is success: the job is where it leads.</summary>
    private static async Task<IResult> MoveAsync(string jobId, Caller caller, JobStore jobs, JobTrigger trigger, string done, CancellationToken ct)
    {
        if (await FindAsync(jobId, caller, jobs, ct) is not { } job)
        {
            return Problems.UnknownJob.ToResult();
        }

        var move = await jobs.MoveAsync(job.Id, trigger, ct);
        return move.Outcome switch
        {
            MoveOutcome.Moved or MoveOutcome.AlreadyThere => TypedResults.Json(new MessageBody(done), JobBodyJson.Default.MessageBody),
            MoveOutcome.Missing => Problems.UnknownJob.ToResult(),
            _ => Conflict($"The job is {JobLifecycle.Table.NameOf(move.State)}.", move.State),
        };
    }

    private static ProblemResult Conflict(string detail, JobState state) =>
        new(Problems.StateConflict, detail, state: JobLifecycle.Table.NameOf(state), allowed: [.. JobLifecycle.Table.AllowedIn(state).Select(WordOf).OfType<string>()]);

    /// <summary>The caller's word for a trigger; null for those that are the platform's.</summary>
    private static string? WordOf(JobTrigger trigger) => trigger switch
    {
        JobTrigger.Paused => "pause",
        JobTrigger.Resumed => "resume",
        JobTrigger.Cancelled => "cancel",
        JobTrigger.Replayed => "retry",
        _ => null,
    };
}
