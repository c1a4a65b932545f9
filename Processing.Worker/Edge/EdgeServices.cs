using System.ComponentModel.DataAnnotations;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Store;
using Microsoft.Extensions.Options;
using Processing.Worker.Tasks;

namespace Processing.Worker.Edge;

/// <summary>Section <c>Edge</c>.</summary>
public sealed class EdgeOptions
{
    public const string Section = "Edge";

    /// <summary>Views from which a video gets an edge copy unless its owner has said no; not set: only those that owners ask for.</summary>
    [Range(1, long.MaxValue, ErrorMessage = "Edge:PopularViews must be at least 1; leave it out to place only what owners ask for.")]
    public long? PopularViews { get; set; }
}

[OptionsValidator]
internal sealed partial class EdgeOptionsValidator : IValidateOptions<EdgeOptions>;

internal static class EdgeServices
{
    /// <summary>Behind the distribution, which speaks to the chunk store.</summary>
    public static IServiceCollection AddEdge(this IServiceCollection services)
    {
        services.AddOptions<EdgeOptions>().BindConfiguration(EdgeOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<EdgeOptions>, EdgeOptionsValidator>();
        services.AddKeyedSingleton<ITaskHandler, EdgeTask>((JobKind.Edge, TaskKind.Finalize));
        services.AddSingleton<EdgeUpkeep>();
        return services.AddDuty<EdgeUpkeep>("edge upkeep", TimeSpan.FromSeconds(2), (upkeep, ct) => upkeep.PassAsync(ct));
    }
}
