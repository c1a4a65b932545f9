namespace Lifecycle.Store.Jobs;

/// <summary>How far a job is: the one place that says so.</summary>
public static class JobProgress
{
    /// <summary>A SQL expression over a row <c>j</c> of jobs: double precision, 0 to 1.</summary>
    public const string Sql = "case when j.state = 'completed' then 1::float8 else coalesce((select avg(t.progress) from tasks t where t.job_id = j.id), 0)::float8 end";
}
