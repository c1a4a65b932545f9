using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;
using Npgsql;

namespace Lifecycle.Store.Webhooks;

/// <summary>A job as its events show it: the columns that they are read from, and how.</summary>
internal static class JobEventRow
{
    /// <summary>Of a row <c>j</c> of jobs; a query that has them begins with them.</summary>
    public const string Columns = $"j.id, j.video_id, j.state, j.priority, {JobProgress.Sql}, j.created_at, j.started_at, j.finished_at, j.failure_category, j.failure_reason";

    /// <summary>Where further columns begin.</summary>
    public const int Count = 10;

    public static JobEventData Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetGuid(1), row.GetString(2), row.GetInt32(3), Math.Round(row.GetDouble(4) * 100, 1), row.GetDateTime(5), row.GetNullable<DateTime?>(6), row.GetNullable<DateTime?>(7),
        row.GetNullable<string>(8) is { } category ? new(category, row.GetNullable<string>(9) ?? "") : null);
}
