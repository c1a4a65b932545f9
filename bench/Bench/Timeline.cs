using Npgsql;

namespace Bench;

/// <summary>One run of a task, as its row has it: seconds after the job was made.</summary>
public sealed record TaskSpan(string Kind, string Worker, double Start, double End)
{
    public double Seconds => End - Start;
}

/// <summary>When the workers did what for one video. The times are those of the transactions' begins, in the database's clock.</summary>
public sealed record Timeline(DateTime JobMade, IReadOnlyList<TaskSpan> Runs)
{
    public TaskSpan Plan => Runs.Single(run => run.Kind == "plan");

    public TaskSpan Finalize => Runs.Single(run => run.Kind == "finalize");

    public IEnumerable<TaskSpan> Parts => Runs.Where(run => run.Kind is "chunk" or "audio");

    public double PartsStart => Parts.Min(run => run.Start);

    public double PartsEnd => Parts.Max(run => run.End);

    public double AudioSeconds => Runs.Where(run => run.Kind == "audio").Sum(run => run.Seconds);

    /// <summary>Between two tasks of the same worker while chunks are there.</summary>
    public IReadOnlyList<double> Gaps =>
        [.. Parts.GroupBy(run => run.Worker, StringComparer.Ordinal).SelectMany(worker => worker.OrderBy(run => run.Start).Zip(worker.OrderBy(run => run.Start).Skip(1), (one, next) => next.Start - one.End))];

    /// <summary>From the first worker that found no chunk any more to the end of the last chunk.</summary>
    public double TailSeconds(int workers)
    {
        var last = Parts.GroupBy(run => run.Worker, StringComparer.Ordinal).Select(worker => worker.Max(run => run.End)).ToList();
        return last.Count < workers ? PartsEnd - PartsStart : PartsEnd - last.Min();
    }

    /// <summary>Time from the job's making to its end in which at least one worker had no task.</summary>
    public double IdleSeconds(int workers)
    {
        var edges = Runs.SelectMany(run => (double[])[run.Start, run.End]).Append(0).Distinct().Order().ToList();
        return edges.Zip(edges.Skip(1)).Where(span => Runs.Count(run => run.Start <= span.First && run.End >= span.Second) < workers).Sum(span => span.Second - span.First);
    }

    public static async Task<Timeline> ReadAsync(string database, Guid video, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(
            """
            select t.kind, r.worker_id, extract(epoch from r.started_at - j.created_at)::float8, extract(epoch from r.ended_at - j.created_at)::float8, j.created_at
            from task_runs r join tasks t on t.id = r.task_id join jobs j on j.id = t.job_id where t.video_id = $1 order by r.started_at
            """);
        command.Parameters.Add(new() { Value = video });
        var made = default(DateTime);
        List<TaskSpan> runs = [];
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            runs.Add(new(reader.GetString(0), reader.GetString(1), reader.GetDouble(2), reader.GetDouble(3)));
            made = reader.GetDateTime(4);
        }

        return new(made, runs);
    }
}
