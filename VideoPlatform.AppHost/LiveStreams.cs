using Microsoft.Extensions.DependencyInjection;

namespace VideoPlatform.AppHost;

/// <summary>Live streams of seed 001: the API that orchestrates them, and the RTMP server that broadcasters push to.</summary>
/// <param name="IngestUrl">The RTMP server as broadcasters reach it.</param>
/// <param name="PullUrl">The same as workers reach it.</param>
/// <param name="PlaySecret">Behind the keys with which workers, and nobody else, play from it.</param>
internal sealed record LiveStreams(
    IResourceBuilder<ProjectResource> Api, IResourceBuilder<ContainerResource> Ingest, ReferenceExpression IngestUrl, ReferenceExpression PullUrl, IResourceBuilder<ParameterResource> PlaySecret);

internal static class LiveStreamResources
{
    private const int RtmpPort = 1935;

    /// <param name="builder">The model.</param>
    /// <param name="configure">Gives the API the stores.</param>
    public static LiveStreams AddLiveStreams(this IDistributedApplicationBuilder builder, Action<IResourceBuilder<ProjectResource>> configure)
    {
        var api = builder.AddProject<Projects.Live_Api>("live-api").WithHttpEndpoint(name: "http").WithHttpHealthCheck("/ready");
        var ingest = builder.AddContainer("ingest", "alfg/nginx-rtmp")
            .WithBindMount("ingest.conf.template", "/etc/nginx/nginx.conf.template", isReadOnly: true)
            .WithEnvironment("LIVE_API", api.GetEndpoint("http").Property(EndpointProperty.HostAndPort))
            .WithEndpoint(port: RtmpPort, targetPort: RtmpPort, scheme: "rtmp", name: "rtmp", isExternal: true)
            .WithUrlForEndpoint("rtmp", url => url.Url += "/live")
            .WithHealthCheck("ingest-rtmp");
        builder.Services.AddHealthChecks().AddCheck("ingest-rtmp", new RtmpHandshake(ingest.GetEndpoint("rtmp")));

        var pullUrl = ReferenceExpression.Create($"{ingest.GetEndpoint("rtmp")}/live");
        // Another machine's broadcasters need another name than the engine's own.
        var ingestUrl = builder.Configuration["Streams:IngestUrl"] is { Length: > 0 } known ? ReferenceExpression.Create($"{known}") : pullUrl;
        LiveStreams live = new(api, ingest, ingestUrl, pullUrl, builder.AddParameter("stream-play-secret", new GenerateParameterDefault { MinLength = 44, Special = false }, secret: true, persist: true));
        api.WithIngest(live);
        configure(api);
        return live;
    }

    /// <summary>Tells a service where streams come in, and gives it the means to play them from there.</summary>
    public static IResourceBuilder<ProjectResource> WithIngest(this IResourceBuilder<ProjectResource> service, LiveStreams live) => service
        .WithEnvironment("Streams__IngestUrl", live.IngestUrl)
        .WithEnvironment("Streams__IngestPullUrl", live.PullUrl)
        .WithEnvironment("Streams__PlaySecret", live.PlaySecret);
}
