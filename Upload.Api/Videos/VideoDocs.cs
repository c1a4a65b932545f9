using Lifecycle.Contracts;
using Lifecycle.Contracts.Media;
using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Videos;

internal static class VideoDocs
{
    /// <summary>As the probe left it.</summary>
    public const string Video = $$"""
        {"id":"{{Example.Video}}","filename":"video.mp4","size":1234567,"duration":120.5,"width":1920,"height":1080,"codec":"h264","bitrate":81963,"status":"ready",
         "created_at":"2025-01-17T09:55:00Z","updated_at":"2025-01-17T10:30:00Z","edge":"none"}
        """;

    /// <summary>As it is when it has just arrived.</summary>
    public const string NewVideo = $$"""
        {"id":"{{Example.Video}}","filename":"video.mp4","size":1234567,"status":"pending","created_at":"2025-01-17T09:55:00Z","updated_at":"2025-01-17T09:55:00Z"}
        """;

    public static FeatureDoc Feature { get; } = new("Videos", "An account's videos.",
    [
        new("GET", "/api/v1/videos", "listVideos", "The account's videos; an admin's are all", new(200, "A page of videos.", Json<VideosBody>($$"""{"videos":[{{Video}}],{{Example.Next}}}""")))
        { Parameters = [Parameters.Query("status", "Only videos of this status.", "pending", "processing", "ready", "failed"), .. Parameters.Paging], Problems = [Problems.InvalidField] },
        new("GET", "/api/v1/videos/{videoId}", "getVideo", "A video", new(200, "The video; what the probe finds is there once it has been found.", Json<VideoBody>(Video)))
        { Problems = [Problems.UnknownVideo] },
        new("GET", "/api/v1/videos/{videoId}/conformance", "getConformance", "The checks that the served version passed", new(200, "The report.",
            Json<ConformanceReport>("""{"checks":[{"name":"segments-decode","passed":true,"detail":"All segments of 4 renditions."}]}""")))
        { Problems = [Problems.UnknownVideo, Problems.NotReady] },
        new("DELETE", "/api/v1/videos/{videoId}", "deleteVideo", "Delete a video with all that was made of it", new(204, "Deleted; caches forget it within 60 s.")) { Problems = [Problems.UnknownVideo] },
        new("PUT", "/api/v1/videos/{videoId}/edge", "placeEdgeCopy", "Have the video's segments on the chunk store's nodes, too",
            new(202, "They are there, or are being placed: edge tells. One that has failed is begun anew.", Json<VideoBody>(Video.Replace("\"edge\":\"none\"", "\"edge\":\"placing\"", StringComparison.Ordinal))))
        { Problems = [Problems.UnknownVideo, Problems.NotReady] },
        new("DELETE", "/api/v1/videos/{videoId}/edge", "removeEdgeCopy", "Have the video's segments in S3 only, however popular it is", new(204, "They are not read from the nodes any more, and removed from them."))
        { Problems = [Problems.UnknownVideo] },
    ]);
}
