using Storage.Metadata.Database;
using Storage.Metadata.Http;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata.Videos;

internal sealed record DeletionsBody(IReadOnlyList<string> VideoIds);

/// <summary>
/// What the rest of the platform is to learn of deletions. The rows are the deleted videos themselves: a deletion is told from the transaction
/// that makes it until somebody has taken note, so a crash anywhere between tells it again. No position in a sequence is kept, which a transaction
/// that commits late would be missed by.
/// </summary>
internal sealed class Deletions(ChunkDatabase database)
{
    private const int MostTold = 100;

    public Task<List<string>> ListAsync(CancellationToken ct) => database.ListAsync(
        "select id from videos where status = 'deleted' and not is_deletion_taken order by status_since limit $1", [MostTold], row => row.GetString(0), ct);

    public Task TakeAsync(string videoId, CancellationToken ct) =>
        database.ExecuteAsync("update videos set is_deletion_taken = true where id = $1 and status = 'deleted'", [videoId], ct);
}

/// <summary>Beyond seed 002; for those with the node credential.</summary>
internal static class DeletionRoutes
{
    public static void MapDeletions(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/deletions", ListAsync).AddEndpointFilter<NodeCredential>();
        routes.MapDelete("/deletions/{videoId}", TakeAsync).AddEndpointFilter<NodeCredential>();
    }

    private static async Task<IResult> ListAsync(Deletions deletions, CancellationToken ct) =>
        Results.Json(new DeletionsBody(await deletions.ListAsync(ct)), VideoJson.Default.DeletionsBody);

    /// <summary>204 whether or not there is such a deletion: whoever repeats it has done so already.</summary>
    private static async Task<IResult> TakeAsync(string videoId, Deletions deletions, CancellationToken ct)
    {
        if (Ids.Video(videoId) is { } id)
        {
            await deletions.TakeAsync(id, ct);
        }

        return Results.NoContent();
    }
}
