using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Live.Api.Orchestration;

/// <summary>What a replica measures of the workflows that it ends.</summary>
internal sealed class OrchestrationMetrics
{
    public const string Name = "VideoPlatform.Streams";

    private readonly Counter<long> _workflows;
    private readonly Histogram<double> _duration;

    public OrchestrationMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(Name);
        _workflows = meter.CreateCounter<long>("videoplatform.stream.workflows", "{workflow}", "Provisioning workflows that ended, by outcome: succeeded, failed.");
        _duration = meter.CreateHistogram<double>("videoplatform.stream.provision.duration", "s", "From the request to its workflow's success, the wait for the start included.");
    }

    public void Succeeded(TimeSpan took)
    {
        _workflows.Add(1, new TagList { { "outcome", "succeeded" } });
        _duration.Record(took.TotalSeconds);
    }

    public void Failed() => _workflows.Add(1, new TagList { { "outcome", "failed" } });
}
