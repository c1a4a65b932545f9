using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Smart.Client;
using Smart.Client.Network;
using Storage.Fabric;
using Storage.Fabric.Chunks;

namespace Storage.Tests.Client;

/// <summary>Three nodes, a metadata service that knows them, and the client with its dashboard.</summary>
internal sealed class TestPlatform : IAsyncDisposable
{
    private readonly WebApplication _metadata;
    private readonly ConcurrentDictionary<Guid, ChunkManifest> _videos = new();
    private readonly ConcurrentDictionary<Guid, int> _views = new();

    private TestPlatform(WebApplication metadata, IReadOnlyList<TestNode> nodes) => (_metadata, Nodes) = (metadata, nodes);

    public IReadOnlyList<TestNode> Nodes { get; }

    public WebApplication Client { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public string MetadataUrl => _metadata.Urls.Single();

    /// <summary>With it the metadata service answers nothing but 503.</summary>
    public bool MetadataIsAway { get; set; }

    public static async Task<TestPlatform> StartAsync(TimeProvider? time = null, params string[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var metadata = builder.Build();
        TestPlatform platform = new(metadata, [await TestNode.StartAsync(), await TestNode.StartAsync(), await TestNode.StartAsync()]);
        metadata.Use((context, next) =>
        {
            if (!platform.MetadataIsAway)
            {
                return next(context);
            }

            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        metadata.MapGet("/manifest/{id:guid}", (Guid id) => platform._videos.TryGetValue(id, out var manifest) ? Results.Json(Documented(manifest)) : Results.NotFound());
        metadata.MapGet("/nodes/healthy", () => Results.Json(platform.Nodes.Select(node => new
        {
            node_url = node.Url, node_id = node.Url, last_heartbeat = "2024-11-06T10:35:00Z", disk_usage_percent = 1.5, chunk_count = 1, status = "healthy", version = "1.0.0",
        })));
        metadata.MapPost("/video/{id:guid}/view", (Guid id) => Results.Json(new { status = "ok", message = platform._views.AddOrUpdate(id, 1, (_, views) => views + 1).ToString(CultureInfo.InvariantCulture) }));
        await metadata.StartAsync();
        platform.Client = SmartClient.Build(["--urls=http://127.0.0.1:0", $"--METADATA_SERVICE_URL={platform.MetadataUrl}", "--Logging:LogLevel:Default=Warning", .. settings], time);
        await platform.Client.StartAsync();
        platform.Http = new() { BaseAddress = new(platform.Client.Urls.Single()), Timeout = TimeSpan.FromSeconds(60) };
        return platform;
    }

    public T Get<T>()
        where T : notnull => Client.Services.GetRequiredService<T>();

    /// <summary>A minute of video, on all three nodes.</summary>
    public async Task<Guid> AddVideoAsync()
    {
        var video = await TestVideo.MinuteAsync();
        var id = Guid.CreateVersion7();
        var manifest = video.ManifestOf(id, [.. Nodes.Select(node => node.Url)]);
        foreach (var chunk in manifest.Chunks)
        {
            foreach (var node in Nodes)
            {
                node.Chunks[chunk.ChunkId] = video.Chunks[chunk.Sequence];
            }
        }

        _videos[id] = manifest;
        return id;
    }

    /// <summary>Makes it the one that is asked first, for some time.</summary>
    public void Prefer(TestNode node)
    {
        for (var i = 0; i < NodeRecord.Bandwidths; i++)
        {
            Get<NodeRegistry>().Record(new(node.Url, TimeSpan.FromMilliseconds(1), 2_000_000, true));
        }
    }

    public void Change(Guid videoId, Func<ChunkManifest, ChunkManifest> change) => _videos[videoId] = change(_videos[videoId]);

    public int ViewsOf(Guid videoId) => _views.GetValueOrDefault(videoId);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Client.StopAsync();
        await Client.DisposeAsync();
        await _metadata.DisposeAsync();
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }
    }

    /// <summary>As seed 002 writes it.</summary>
    private static object Documented(ChunkManifest manifest) => new
    {
        video_id = manifest.VideoId,
        title = manifest.Title,
        duration_sec = manifest.DurationSeconds,
        total_chunks = manifest.Chunks.Count,
        chunk_duration_sec = 10,
        chunk_size_bytes = 2097152,
        created_at = "2024-11-06T10:30:00Z",
        status = manifest.Status,
        chunks = manifest.Chunks.Select(chunk => new
        {
            chunk_id = chunk.ChunkId,
            sequence_num = chunk.Sequence,
            size_bytes = chunk.SizeBytes,
            checksum = Checksum.InJson(chunk.Checksum),
            redundancy_mode = chunk.Mode,
            replicas = chunk.Replicas,
            fragments = chunk.Fragments.Count == 0 ? null : chunk.Fragments.Select(fragment => new
            {
                fragment_id = fragment.FragmentId, fragment_index = fragment.Index, node_url = fragment.NodeUrl, size_bytes = fragment.SizeBytes, checksum = Checksum.InJson(fragment.Checksum),
            }),
        }),
    };
}
