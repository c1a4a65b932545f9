namespace Lifecycle.Store.Jobs;

/// <summary>How far a job is, in one place for all who show it.</summary>
public static class JobProgress
{
    /// <summary>
    /// SQL: the share of the work of job <c>j</c> that is done, 0 to 1. The plan is the first 2 %, because nothing is known of the rest
    /// before it; the other tasks count by their weight. It falls only when a run's work is lost: then it has to be done again.
    /// </summary>
    public const string Sql =
        """
        (case j.state when 'completed' then 1 else (
            select coalesce(0.02 * max(t.progress) filter (where t.kind = 'plan'), 0)
                + 0.98 * coalesce(sum(t.weight * t.progress) filter (where t.kind <> 'plan') / nullif(sum(t.weight) filter (where t.kind <> 'plan'), 0), 0)
            from tasks t where t.job_id = j.id) end)::float8
        """;
}
