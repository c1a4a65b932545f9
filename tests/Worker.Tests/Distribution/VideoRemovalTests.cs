using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Processing.Worker.Distribution;
using Storage.Fabric.Chunks;

namespace Worker.Tests.Distribution;

/// <summary>Against a server that answers as Storage.Metadata does when something is wrong with it.</summary>
public sealed class VideoRemovalTests : IAsyncLifetime
{
    private readonly WebApplication _metadata;
    private readonly Dictionary<string, HttpStatusCode> _answers = new(StringComparer.Ordinal);
    private readonly Guid[] _videos = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];
    private readonly List<Guid> _forgotten = [];

    public VideoRemovalTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _metadata = builder.Build();
        _metadata.MapDelete("/video/{id}", (string id) => Results.StatusCode((int)_answers.GetValueOrDefault(id, HttpStatusCode.OK)));
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _metadata.StartAsync(Ct);

    public ValueTask DisposeAsync() => _metadata.DisposeAsync();

    [Fact]
    public async Task A_video_that_is_refused_keeps_none_behind_it_waiting_and_one_that_is_gone_is_forgotten()
    {
        _answers[$"{_videos[0]:D}"] = HttpStatusCode.InternalServerError;
        _answers[$"{_videos[1]:D}"] = HttpStatusCode.Conflict;
        _answers[$"{_videos[2]:D}"] = HttpStatusCode.NotFound;
        await RemoveAsync();
        Assert.Equal([_videos[2], _videos[3]], _forgotten);
    }

    [Fact]
    public async Task A_chunk_store_that_is_away_is_not_asked_for_each()
    {
        _answers[$"{_videos[1]:D}"] = HttpStatusCode.ServiceUnavailable;
        await Assert.ThrowsAsync<HttpRequestException>(RemoveAsync);
        Assert.Equal([_videos[0]], _forgotten);
    }

    private async Task RemoveAsync() => await new VideoRemoval(MetadataClient.At(_metadata.Urls.Single(), TimeSpan.FromSeconds(5)), NullLogger<VideoRemoval>.Instance).RemoveAsync(_videos, (id, _) =>
    {
        _forgotten.Add(id);
        return Task.CompletedTask;
    }, Ct);
}
