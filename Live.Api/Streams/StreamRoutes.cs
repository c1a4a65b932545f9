using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;
using Live.Api.Ingest;
using Live.Api.Orchestration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using VideoPlatform.Accounts;
using VideoPlatform.ServiceDefaults;

namespace Live.Api.Streams;

/// <summary>
/// Seed 001's POST and PUT on <c>/streams</c>, and the reads that it has not: <c>/streams/{streamId}</c> and <c>/streams?limit=</c>. A bare
/// GET keeps the seed's 405. What somebody else owns does not exist (404).
/// </summary>
internal static class StreamRoutes
{
    private const string Path = "/streams";

    private const string Allowed = "POST, PUT";

    public static IServiceCollection AddStreams(this IServiceCollection services) => services.AddAccess().AddSingleton<StreamRequestReader>();

    public static void MapStreams(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, CreateAsync);
        routes.MapPut(Path, UpdateAsync);
        routes.MapGet(Path, ListAsync);
        routes.Map(Path, NotAllowed); // every other method: routes that name theirs go first
        routes.MapMethods($"{Path}/{{streamId}}", [HttpMethods.Get, HttpMethods.Head], GetAsync);
    }

    private static MessageResult NotAllowed(HttpContext context)
    {
        context.Response.Headers.Allow = Allowed;
        return new(StatusCodes.Status405MethodNotAllowed, $"{context.Request.Method} not allowed. Expected {Allowed}.", null);
    }

    private static async Task<IResult> CreateAsync(
        HttpRequest http, Caller? caller, IOptions<AccessOptions> access, StreamRequestReader reader, StreamStore streams, Orchestrator orchestrator, IOptions<OrchestrationOptions> options, CancellationToken ct)
    {
        if (access.Value.RefusesStreams(http, caller))
        {
            return Problems.Unauthorized.ToResult();
        }

        var (body, unreadable) = await JsonBody.ReadAsync(http, ct);
        if (unreadable is not null)
        {
            return unreadable;
        }

        if (reader.Read(body, out var request) is { } refusal)
        {
            return refusal;
        }

        var (outcome, acceptedAt) = await streams.AcceptAsync(request, caller?.UserId, ct);
        if (outcome == Acceptance.Taken)
        {
            return new MessageResult(StatusCodes.Status409Conflict, "The stream exists already.", ["streamId belongs to another request."]);
        }

        await orchestrator.AdvanceAsync(request.StreamId, ct);
        AcceptedBody accepted = new(request.StreamId, StreamProvisionRequested.DetailType, options.Value.StateMachineArn, StreamMoves.Timestamp(acceptedAt));
        return TypedResults.Json(accepted, StreamBodyJson.Wire.AcceptedBody, "application/json", StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> UpdateAsync(HttpRequest http, Caller? caller, IOptions<AccessOptions> access, StreamUpdates updates, Orchestrator orchestrator, CancellationToken ct)
    {
        if (access.Value.RefusesStreams(http, caller))
        {
            return Problems.Unauthorized.ToResult();
        }

        var (body, unreadable) = await JsonBody.ReadAsync(http, ct);
        if (unreadable is not null)
        {
            return unreadable;
        }

        if (StreamUpdateReader.Read(body, out var request) is { } refusal)
        {
            return refusal;
        }

        var update = await updates.UpdateAsync(request.StreamId, request.Status, request.Reason, owner => access.Value.MayUseStream(caller, owner), ct);
        switch (update.Outcome)
        {
            case MoveOutcome.Missing:
                return Unknown();
            case MoveOutcome.NotAllowed:
                var (from, to) = (StreamLifecycle.Table.NameOf(update.Status), StreamLifecycle.Table.NameOf(request.Status));
                return new MessageResult(StatusCodes.Status400BadRequest, "Status transitions were invalid or missing", [$"status must not change from {from} to {to}."]);
        }

        await orchestrator.AdvanceAsync(request.StreamId, ct);
        UpdatedBody updated = new(request.StreamId, StreamLifecycle.Table.NameOf(request.Status), StreamLifecycleProgressed.DetailType, StreamMoves.Timestamp(update.At), request.Reason);
        return TypedResults.Json(updated, StreamBodyJson.Wire.UpdatedBody, "application/json");
    }

    private static async Task<IResult> GetAsync(
        string streamId, HttpContext http, Caller? caller, IOptions<AccessOptions> access, StreamStore streams, StreamKeys keys, IngestUrls urls, TimeProvider time, CancellationToken ct)
    {
        if (access.Value.RefusesStreams(http.Request, caller))
        {
            return Problems.Unauthorized.ToResult();
        }

        if (!StreamIds.IsValid(streamId) || await streams.FindAsync(streamId, ct) is not { } stream || !access.Value.MayUseStream(caller, stream.OwnerId))
        {
            return Unknown();
        }

        http.Response.Headers.CacheControl = "no-store"; // it has the key
        return TypedResults.Json(StreamBody.Of(stream, await streams.StepsAsync(streamId, ct), PushUrlOf(stream, keys, urls), time.GetUtcNow()), StreamBodyJson.Wire.StreamBody, "application/json");
    }

    /// <summary>Those of the caller; an admin's are all, a stranger's those of nobody.</summary>
    private static async Task<IResult> ListAsync(
        HttpContext http, Caller? caller, IOptions<AccessOptions> access, StreamStore streams, StreamKeys keys, IngestUrls urls, TimeProvider time, CancellationToken ct)
    {
        if (http.Request.Query.Count == 0)
        {
            return NotAllowed(http);
        }

        if (access.Value.RefusesStreams(http.Request, caller))
        {
            return Problems.Unauthorized.ToResult();
        }

        if (StreamPage.Read(Last(http.Request.Query["limit"]), Last(http.Request.Query["after"]), out var page) is { } refusal)
        {
            return refusal;
        }

        var rows = await streams.ListAsync(new(caller is { IsAdmin: true }, caller?.UserId), page.After, page.Asked, ct);
        var now = time.GetUtcNow();
        List<StreamBody> shown = [.. rows.Take(page.Size).Select(stream => StreamBody.Of(stream, null, PushUrlOf(stream, keys, urls), now))];
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Json(new StreamsBody(shown, rows.Count > page.Size ? shown[^1].StreamId : null), StreamBodyJson.Wire.StreamsBody, "application/json");

        static string? Last(StringValues values) => values.Count == 0 ? null : values[^1];
    }

    /// <summary>Who may read a stream here is its owner. One that is over takes no broadcaster.</summary>
    private static string? PushUrlOf(StreamDetails stream, StreamKeys keys, IngestUrls urls) =>
        !StreamLifecycle.IsOver(stream.Status) && stream.IngestEndpoints.Any(endpoint => urls.IsOwn(endpoint.Url)) ? keys.PushUrlOf(stream.Id) : null;

    private static MessageResult Unknown() => new(StatusCodes.Status404NotFound, "There is no such stream.", ["streamId is unknown."]);
}
