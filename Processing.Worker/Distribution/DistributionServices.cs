using System.ComponentModel.DataAnnotations;
using Lifecycle.Store;
using Microsoft.Extensions.Options;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Distribution;

/// <summary>Where the chunk store is; section <c>ChunkStore</c>.</summary>
public sealed class ChunkStoreOptions
{
    public const string Section = "ChunkStore";

    /// <summary>Storage.Metadata's address. Without it distributions wait.</summary>
    [Required]
    [Url]
    public string MetadataUrl { get; set; } = "http://127.0.0.1:8090";

    /// <summary>What nodes and Storage.Metadata ask of those who change something; empty where they ask nothing.</summary>
    public string Credential { get; set; } = "";
}

[OptionsValidator]
internal sealed partial class ChunkStoreOptionsValidator : IValidateOptions<ChunkStoreOptions>;

internal static class DistributionServices
{
    private static readonly TimeSpan _answerWithin = TimeSpan.FromSeconds(15);

    public static IServiceCollection AddDistribution(this IServiceCollection services)
    {
        services.AddOptions<ChunkStoreOptions>().BindConfiguration(ChunkStoreOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ChunkStoreOptions>, ChunkStoreOptionsValidator>();
        services.AddSingleton(provider => MetadataClient.At(OptionsOf(provider).MetadataUrl, _answerWithin, CredentialOf(provider)));
        services.AddSingleton(provider => new ChunkWriter(ChunkHttp.Create(CredentialOf(provider)), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ChunkCutter>().AddSingleton<Distributor>().AddSingleton<VideoRemoval>().AddSingleton<ChunkRemoval>().AddSingleton<DeletionsTaken>();
        services.AddDuty<DeletionsTaken>("deletions at the chunk store", TimeSpan.FromSeconds(2), (deletions, ct) => deletions.PassAsync(ct));
        return services.AddDuty<ChunkRemoval>("chunk removal", TimeSpan.FromSeconds(5), (removal, ct) => removal.PassAsync(ct));
    }

    private static ChunkStoreOptions OptionsOf(IServiceProvider provider) => provider.GetRequiredService<IOptions<ChunkStoreOptions>>().Value;

    private static string? CredentialOf(IServiceProvider provider) => OptionsOf(provider).Credential is { Length: > 0 } credential ? credential : null;
}
