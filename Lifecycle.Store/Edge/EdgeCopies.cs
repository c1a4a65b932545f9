using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;

namespace Lifecycle.Store.Edge;

/// <summary>
/// The rows of edge copies. A copy has the id of the job that places it, in the chunk store too: that forgets no id that it has deleted, so another
/// attempt needs another id, and a repeated task the same. The copy's state is its job's, so that no two facts can differ.
/// </summary>
public sealed class EdgeCopies(LifecycleDatabase database)
{
    /// <summary>Placed beside what makes videos READY, never before it.</summary>
    private const int Priority = 2;

    /// <summary>SQL: the state of video <c>v</c>'s copy by the name of <see cref="Lifecycle.Contracts.Chunks.EdgeState"/>.</summary>
    internal const string StateSql =
        """
        (case when v.state <> 'READY' then 'None' else coalesce(
            (select case j.state when 'completed' then 'Ready' when 'failed' then 'Failed' when 'cancelled' then 'Failed' else 'Placing' end
             from edge_copies e join jobs j on j.id = e.id where e.video_id = v.id and e.is_wanted and j.version = v.version),
            case when v.edge then 'Placing' else 'None' end) end)
        """;

    /// <summary>SQL: the id of video <c>v</c>'s copy of the served version, when all of it is placed.</summary>
    internal const string ReadySql = "(select e.id from edge_copies e join jobs j on j.id = e.id where e.video_id = v.id and e.is_wanted and j.version = v.version and j.state = 'completed')";

    /// <summary>The owner's word, which goes before popularity: a copy is placed, or what there is of one removed. One that has failed is begun anew.</summary>
    /// <returns>NotAllowed: there is no READY version to copy.</returns>
    public async Task<MoveOutcome> SetAsync(Guid videoId, bool isWanted, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await transaction.LockVideoAsync(videoId, ct) is not { } video || !VideoLifecycle.IsVisible(video.State))
        {
            return MoveOutcome.Missing;
        }

        if (isWanted && video.State != VideoState.Ready)
        {
            return MoveOutcome.NotAllowed;
        }

        await transaction.Connection.ExecuteAsync("update videos set edge = $2 where id = $1", [videoId, isWanted], ct);
        if (!isWanted || !await IsHadAsync(transaction, video, JobLifecycle.LostNames, ct))
        {
            await GiveUpAsync(transaction, video, ct);
        }

        if (isWanted)
        {
            await PlaceAsync(transaction, video, ct);
        }

        await transaction.CommitAsync(ct);
        return MoveOutcome.Moved;
    }

    /// <summary>Gives up copies of versions that are not served any more, and begins those that are wanted and not there.</summary>
    /// <param name="popularViews">Views from which a video gets a copy whose owner has said nothing; null: none does.</param>
    public async Task ReconcileAsync(long? popularViews, int most, CancellationToken ct)
    {
        foreach (var videoId in await DueAsync(popularViews, most, ct))
        {
            await using var transaction = await database.BeginAsync(ct);
            if (await transaction.LockVideoAsync(videoId, ct) is not { } video)
            {
                continue;
            }

            // Looked at again under the lock: another worker may have been sooner, and the owner may have said no.
            if (video.State != VideoState.Ready || !await IsHadAsync(transaction, video, [], ct))
            {
                await GiveUpAsync(transaction, video, ct);
            }

            if (video.State == VideoState.Ready && await transaction.Connection.ScalarAsync<bool>("select edge is distinct from false from videos where id = $1", [videoId], ct))
            {
                await PlaceAsync(transaction, video, ct);
            }

            await transaction.CommitAsync(ct);
        }
    }

    /// <summary>The catalogue, JSON, of the version that a copy is of; null: nobody wants the copy any more.</summary>
    public async Task<string?> CatalogueAsync(Guid copyId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<string>(
            """
            select p.catalogue::text from edge_copies e join jobs j on j.id = e.id join video_versions p on p.video_id = e.video_id and p.version = j.version
            where e.id = $1 and e.is_wanted
            """, [copyId], ct);
    }

    /// <summary>Some of the copies that nobody wants, and that no task can bring back, in no order: one that cannot be removed keeps nobody waiting.</summary>
    public async Task<IReadOnlyList<Guid>> UnwantedAsync(int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            "select e.id from edge_copies e where not e.is_wanted and not exists (select from tasks t where t.job_id = e.id and t.state = 'leased') order by random() limit $1",
            [most], row => row.GetGuid(0), ct);
    }

    /// <summary>The chunk store has nothing of it any more.</summary>
    public async Task ForgetAsync(Guid copyId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("delete from edge_copies where id = $1 and not is_wanted", [copyId], ct);
    }

    /// <summary>The chunk store was told to delete it: while it is wanted, another is placed.</summary>
    public async Task LoseAsync(Guid copyId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var videoId = await transaction.Connection.ScalarAsync<Guid>("select video_id from edge_copies where id = $1 and is_wanted", [copyId], ct);
        if (videoId != default && await transaction.LockVideoAsync(videoId, ct) is { } video)
        {
            await GiveUpAsync(transaction, video, ct);
            await transaction.CommitAsync(ct);
        }
    }

    /// <summary>Adds to the views of videos that are still there.</summary>
    public async Task AddViewsAsync(IReadOnlyDictionary<Guid, long> views, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            """
            insert into video_views (video_id, count) select v.id, seen.count from unnest($1, $2) as seen (id, count) join videos v using (id) order by v.id
            on conflict (video_id) do update set count = video_views.count + excluded.count
            """, [views.Keys.ToArray(), views.Values.ToArray()], ct);
    }

    private async Task<List<Guid>> DueAsync(long? popularViews, int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            """
            select e.video_id from edge_copies e join videos v on v.id = e.video_id join jobs j on j.id = e.id
            where e.is_wanted and (v.state <> 'READY' or v.version <> j.version)
            union
            select v.id from videos v where v.edge and v.state = 'READY' and not exists (select from edge_copies e where e.video_id = v.id and e.is_wanted)
            union
            select v.id from video_views w join videos v on v.id = w.video_id
            where w.count >= $1 and v.edge is null and v.state = 'READY' and not exists (select from edge_copies e where e.video_id = v.id and e.is_wanted)
            limit $2
            """, [popularViews ?? long.MaxValue, most], row => row.GetGuid(0), ct);
    }

    /// <summary>Whether there is a copy of the served version whose job is in none of these states.</summary>
    private static Task<bool> IsHadAsync(LifecycleTransaction transaction, LockedVideo video, string[] except, CancellationToken ct) => transaction.Connection.ScalarAsync<bool>(
        "select exists (select from edge_copies e join jobs j on j.id = e.id where e.video_id = $1 and e.is_wanted and j.version = $2 and j.state <> all($3))", [video.Id, video.Version, except], ct);

    /// <summary>Ends the placing, too; and nobody can replay it, because it would place what is removed.</summary>
    private static async Task GiveUpAsync(LifecycleTransaction transaction, LockedVideo video, CancellationToken ct)
    {
        var copyId = await transaction.Connection.ScalarAsync<Guid>("update edge_copies set is_wanted = false where video_id = $1 and is_wanted returning id", [video.Id], ct);
        if (copyId != default && await transaction.LockJobAsync(copyId, ct) is { } job)
        {
            await transaction.MoveAsync(job, video, JobTrigger.Cancelled, new(FailureCategory.Cancelled, "The edge copy is not wanted any more.", null, IsPermanent: true), ct);
            await transaction.Connection.ExecuteAsync("delete from dead_letters where job_id = $1", [copyId], ct);
        }
    }

    /// <summary>Does nothing where there is one.</summary>
    private static async Task PlaceAsync(LifecycleTransaction transaction, LockedVideo video, CancellationToken ct)
    {
        if (!await transaction.Connection.ScalarAsync<bool>("select exists (select from edge_copies where video_id = $1 and is_wanted)", [video.Id], ct))
        {
            var jobId = await JobStore.InsertAsync(transaction, video, JobTrigger.Created, new(JobKind.Edge, video.Version, Priority: Priority), ct);
            await transaction.Connection.ExecuteAsync("insert into edge_copies (id, video_id) values ($1, $2)", [jobId, video.Id], ct);
        }
    }
}
