using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Lifecycle.Contracts.Media;
using Lifecycle.Contracts.Storage;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store;
using Lifecycle.Store.Database;
using Lifecycle.Store.Edge;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Videos;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Tests.Platform;

/// <summary>A READY video and its true bytes, by segment id.</summary>
public sealed record SeededVideo(Guid Id, Catalogue Catalogue, IReadOnlyDictionary<string, byte[]> Segments, byte[] Poster)
{
    public StoredObject ObjectOf(string segmentId) => SegmentId.TryParse(segmentId, out var id) ? Catalogue.Find(id)! : throw new ArgumentException("No segment id.", nameof(segmentId));
}

/// <summary>The platform's other side: what uploads, processes and deletes videos, over the same stores.</summary>
public sealed class Library : IAsyncDisposable
{
    private readonly WebApplication _host;
    private readonly LifecycleDatabase _database;
    private readonly ObjectStore _objects;
    private readonly string _folder = Directory.CreateTempSubdirectory("streaming-tests-").FullName;

    private Library(WebApplication host)
    {
        _host = host;
        _database = host.Services.GetRequiredService<LifecycleDatabase>();
        _objects = host.Services.GetRequiredService<ObjectStore>();
    }

    public static async Task<Library> OpenAsync(string database, Uri broker, string storage)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ConnectionStrings:videodb"] = database,
            ["ConnectionStrings:messaging"] = broker.ToString(),
            ["ConnectionStrings:storage"] = storage,
        });
        builder.AddPostgres("videodb", connections: 4).AddRabbitMQ("messaging").AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));
        builder.Services.AddLogging().AddLifecycleStore().AddOutboxRelay();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        Library library = new(builder.Build());
        await library._host.StartAsync();
        return library;
    }

    /// <summary>A video in any state without a version.</summary>
    public async Task<Guid> AddAsync(VideoState state)
    {
        var id = Guid.CreateVersion7();
        await using var command = _database.Source.CreateCommand("insert into videos (id, state) values ($1, $2)");
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(VideoLifecycle.Table.NameOf(state));
        await command.ExecuteNonQueryAsync();
        return id;
    }

    /// <summary>A READY video of two renditions and one audio track.</summary>
    /// <param name="segmentBytes">Size of each video segment.</param>
    public async Task<SeededVideo> ReadyAsync(params int[] segmentBytes)
    {
        var id = await AddAsync(VideoState.Processing);
        return await PublishAsync(id, 1, segmentBytes.Length == 0 ? [100_000, 70_001] : segmentBytes);
    }

    /// <summary>Stores a version's objects and makes the video READY, with the event.</summary>
    public async Task<SeededVideo> PublishAsync(Guid id, int version, params int[] segmentBytes)
    {
        Dictionary<string, byte[]> contents = new(StringComparer.Ordinal);
        async Task<StoredObject> PutAsync(string name, byte[] bytes, string type)
        {
            var key = ObjectKeys.Output(id, version, 7, name);
            var path = Path.Combine(_folder, Guid.NewGuid().ToString("N"));
            await File.WriteAllBytesAsync(path, bytes);
            await _objects.PutFileAsync(key, path, type, default);
            File.Delete(path);
            return new(key, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)), type);
        }

        async Task<(StoredObject Init, List<Segment> Segments)> TrackAsync(string name, IEnumerable<int> sizes)
        {
            SegmentId initId = new(version, name, null);
            contents[initId.ToString()] = RandomNumberGenerator.GetBytes(700);
            var init = await PutAsync($"{name}/init.mp4", contents[initId.ToString()], "video/mp4");
            List<Segment> segments = [];
            foreach (var size in sizes)
            {
                SegmentId segmentId = new(version, name, segments.Count);
                contents[segmentId.ToString()] = RandomNumberGenerator.GetBytes(size);
                segments.Add(new(await PutAsync($"{name}/{segments.Count}.m4s", contents[segmentId.ToString()], "video/mp4"), segments.Count * 540_000L, 540_000, 180, name == "audio" ? 0 : Math.Min(size, 10)));
            }

            return (init, segments);
        }

        async Task<VideoRendition> RenditionAsync(string name, int width, int height, int share)
        {
            var (init, segments) = await TrackAsync(name, segmentBytes.Select(size => Math.Max(1, size / share)));
            return new()
            {
                Name = name, Codecs = "avc1.640028", Timescale = 90_000, PeakBandwidth = 2_000_000 / share, AverageBandwidth = 1_500_000 / share,
                Init = init, Segments = segments, Width = width, Height = height, FrameRate = 30,
            };
        }

        var (audioInit, audioSegments) = await TrackAsync("audio", segmentBytes.Select(_ => 5000));
        var poster = RandomNumberGenerator.GetBytes(3000);
        Catalogue catalogue = new()
        {
            Version = version,
            DurationSeconds = 6.0 * segmentBytes.Length,
            Video = [await RenditionAsync("720p", 1280, 720, 1), await RenditionAsync("360p", 640, 360, 4)],
            Audio =
            [
                new()
                {
                    Name = "audio", Codecs = "mp4a.40.2", Timescale = 90_000, PeakBandwidth = 128_000, AverageBandwidth = 128_000,
                    Init = audioInit, Segments = audioSegments, Language = "und", Label = "Audio", Channels = 2, IsDefault = true,
                },
            ],
            Poster = await PutAsync("poster.jpg", poster, "image/jpeg"),
            Storyboard = new(await PutAsync("storyboard.jpg", RandomNumberGenerator.GetBytes(4000), "image/jpeg"), 2, 1, 160, 90, 2, 6),
        };
        await CommitAsync(id, catalogue);
        return new(id, catalogue, contents, poster);
    }

    /// <summary>The edge copy as a worker leaves it that has placed all of it.</summary>
    public async Task AddEdgeCopyAsync(SeededVideo video, Guid copyId)
    {
        await using var command = _database.Source.CreateCommand(
            """
            with placed as (insert into jobs (id, video_id, kind, state, version) values ($1, $2, 'edge', 'completed', $3) returning id, video_id)
            insert into edge_copies (id, video_id) select id, video_id from placed
            """);
        command.Parameters.AddWithValue(copyId);
        command.Parameters.AddWithValue(video.Id);
        command.Parameters.AddWithValue(video.Catalogue.Version);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The owner wants the edge copy no longer.</summary>
    public async Task RefuseEdgeCopyAsync(Guid id) => Assert.Equal("Moved", (await _host.Services.GetRequiredService<EdgeCopies>().SetAsync(id, isWanted: false, default)).ToString());

    public async Task<long> ViewsAsync(Guid id)
    {
        await using var command = _database.Source.CreateCommand("select coalesce((select count from video_views where video_id = $1), 0)");
        command.Parameters.AddWithValue(id);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Loses an object behind the platform's back.</summary>
    public Task RemoveObjectAsync(string key) => _objects.DeleteAsync([key], default);

    public async Task DeleteAsync(Guid id) => Assert.Equal("Moved", (await _host.Services.GetRequiredService<VideoStore>().DeleteAsync(id, default)).ToString());

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await _host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task CommitAsync(Guid id, Catalogue catalogue)
    {
        await using var transaction = await _database.BeginAsync(default);
        var video = (await transaction.LockVideoAsync(id, default))!;
        await using (NpgsqlCommand command = new("insert into video_versions (video_id, version, catalogue, conformance, media) values ($1, $2, $3::jsonb, $4::jsonb, '{}')", transaction.Connection))
        {
            command.Parameters.AddWithValue(id);
            command.Parameters.AddWithValue(catalogue.Version);
            command.Parameters.AddWithValue(JsonSerializer.Serialize(catalogue, MediaJson.Default.Catalogue));
            command.Parameters.AddWithValue(JsonSerializer.Serialize(new ConformanceReport([new("EveryObjectIsStored", Passed: true, "all")]), MediaJson.Default.ConformanceReport));
            await command.ExecuteNonQueryAsync();
        }

        await using (NpgsqlCommand command = new("update videos set version = $2 where id = $1", transaction.Connection))
        {
            command.Parameters.AddWithValue(id);
            command.Parameters.AddWithValue(catalogue.Version);
            await command.ExecuteNonQueryAsync();
        }

        await transaction.MoveAsync(video, VideoTrigger.OutputsVerified, null, default); // nothing moves for a second version: it is READY already
        await transaction.CommitAsync(default);
    }
}
