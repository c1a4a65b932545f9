using System.Net;
using System.Text;
using Storage.Fabric.Chunks;
using Xunit;

namespace Storage.Tests.Chunks;

/// <summary>Against the bodies that seed 002 documents.</summary>
public sealed class MetadataClientTests : IDisposable
{
    private const string Sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly Guid _video = Guid.Parse("550e8400-e29b-41d4-a716-446655440000");

    private readonly Answering _answering = new();
    private readonly HttpClient _http;
    private readonly MetadataClient _client;

    public MetadataClientTests()
    {
        _http = new(_answering) { BaseAddress = new("http://metadata/") };
        _client = new(_http);
    }

    public void Dispose()
    {
        _http.Dispose();
        _answering.Dispose();
    }

    [Fact]
    public async Task A_manifest_is_read_with_replicas_and_with_fragments()
    {
        _answering.With(200, $$"""
            {"video_id":"{{_video}}","title":"My Video","duration_sec":600,"total_chunks":2,"chunk_duration_sec":10,"chunk_size_bytes":2097152,"created_at":"2024-11-06T10:30:00Z","status":"active",
             "chunks":[
              {"chunk_id":"c-001","sequence_num":1,"size_bytes":4,"checksum":"SHA256:{{Sum.ToUpperInvariant()}}","redundancy_mode":"erasure_coding","replicas":[],
               "fragments":[{"fragment_id":"c-001-frag-0","fragment_index":0,"node_url":"http://n1","size_bytes":2,"checksum":"sha256:{{Sum}}","status":"active","created_at":"2024-11-06T10:30:00Z"}]},
              {"chunk_id":"c-000","sequence_num":0,"size_bytes":2097152,"checksum":"sha256:{{Sum}}","redundancy_mode":"replication","replicas":["http://n1","http://n2"],"fragments":null}]}
            """);

        var manifest = await _client.ManifestAsync(_video, default);

        Assert.Equal($"GET /manifest/{_video}", _answering.Asked);
        Assert.Equal((_video, "My Video", 600, "active"), (manifest!.VideoId, manifest.Title, manifest.DurationSeconds, manifest.Status));
        Assert.Equal(["c-000", "c-001"], manifest.Chunks.Select(chunk => chunk.ChunkId));
        Assert.Equal(["http://n1", "http://n2"], manifest.Chunks[0].Replicas);
        Assert.Empty(manifest.Chunks[0].Fragments);
        Assert.Equal((2097152, Sum, Redundancy.Replication), (manifest.Chunks[0].SizeBytes, manifest.Chunks[0].Checksum, manifest.Chunks[0].Mode));
        Assert.Equal(new FragmentPlace("c-001-frag-0", 0, "http://n1", 2, Sum), Assert.Single(manifest.Chunks[1].Fragments));
        Assert.Equal((Sum, Redundancy.ErasureCoding), (manifest.Chunks[1].Checksum, manifest.Chunks[1].Mode));
    }

    [Fact]
    public async Task A_video_that_is_not_there_has_no_manifest()
    {
        _answering.With(404, """{"detail":"Video not found"}""");

        Assert.Null(await _client.ManifestAsync(_video, default));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("<html>")]
    [InlineData("""{"video_id":"x"}""")]
    [InlineData("""{"video_id":"550e8400-e29b-41d4-a716-446655440000","duration_sec":1,"chunks":[{"chunk_id":"c","size_bytes":99999999,"checksum":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]}""")]
    [InlineData("""{"video_id":"550e8400-e29b-41d4-a716-446655440000","duration_sec":1,"chunks":[{"chunk_id":"c","size_bytes":1,"checksum":"abc"}]}""")]
    [InlineData("""{"video_id":"550e8400-e29b-41d4-a716-446655440000","duration_sec":1,"chunks":[{"size_bytes":1}]}""")]
    [InlineData("""{"video_id":"550e8400-e29b-41d4-a716-446655440000","duration_sec":1,"chunks":[null]}""")]
    public async Task An_answer_that_is_no_manifest_is_a_failed_request(string body)
    {
        _answering.With(200, body);

        await Assert.ThrowsAsync<HttpRequestException>(() => _client.ManifestAsync(_video, default));
    }

    [Fact]
    public async Task An_answer_without_end_is_not_read()
    {
        _answering.With(200, new string(' ', 33 << 20));

        await Assert.ThrowsAsync<HttpRequestException>(() => _client.ManifestAsync(_video, default));
    }

    [Fact]
    public async Task Healthy_nodes_are_read()
    {
        _answering.With(200, """
            [{"node_url":"http://storage-node-1:8081","node_id":"storage-node-1","last_heartbeat":"2024-11-06T10:35:00Z","disk_usage_percent":45.2,"chunk_count":1250,"status":"healthy","version":"1.0.0"}]
            """);

        Assert.Equal(
            new HealthyNode("http://storage-node-1:8081", "storage-node-1", new(2024, 11, 6, 10, 35, 0, TimeSpan.Zero), 45.2, 1250, "healthy", "1.0.0"),
            Assert.Single(await _client.HealthyNodesAsync(default)));
        Assert.Equal("GET /nodes/healthy", _answering.Asked);
    }

    [Fact]
    public async Task A_commit_sends_what_the_seed_documents()
    {
        _answering.With(200, """{"success":true,"committed_nodes":["http://n1"],"message":"Chunk c committed to 1 nodes"}""");

        var answer = await _client.CommitAsync("c", new(["http://n1"], $"sha256:{Sum}", 5, _video, 7), default);

        Assert.Equal((true, "http://n1", false), (answer.Success, Assert.Single(answer.CommittedNodes), answer.Conflict));
        Assert.Equal(
            "POST /chunk/c/commit " + $$"""{"node_urls":["http://n1"],"checksum":"sha256:{{Sum}}","size_bytes":5,"video_id":"{{_video}}","sequence_num":7,"redundancy_mode":"replication","fragments_metadata":null}""",
            _answering.Asked);
    }

    [Fact]
    public async Task A_commit_names_its_fragments()
    {
        _answering.With(200, """{"success":true,"committed_nodes":[],"message":""}""");

        await _client.CommitAsync("c", new([], Sum, 5, _video, 7, Redundancy.ErasureCoding, [new("c-frag-0", 0, "http://n1", 2, Sum)]), default);

        Assert.EndsWith(
            $$"""sequence_num":7,"redundancy_mode":"erasure_coding","fragments_metadata":[{"fragment_id":"c-frag-0","fragment_index":0,"node_url":"http://n1","size_bytes":2,"checksum":"{{Sum}}"}]}""",
            _answering.Asked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_that_fails_is_told_apart_from_one_that_lost()
    {
        _answering.With(200, """{"success":false,"committed_nodes":[],"message":"too few nodes hold it"}""");
        var failed = await _client.CommitAsync("c", new(["http://n1"], Sum, 5, _video, 7), default);
        _answering.With(409, """{"detail":"another content is committed"}""");
        var lost = await _client.CommitAsync("c", new(["http://n1"], Sum, 5, _video, 7), default);

        Assert.Equal((false, false, "too few nodes hold it"), (failed.Success, failed.Conflict, failed.Message));
        Assert.Equal((false, true, "another content is committed"), (lost.Success, lost.Conflict, lost.Message));
        _answering.With(503, """{"detail":"Postgres is away"}""");
        var away = await Assert.ThrowsAsync<HttpRequestException>(() => _client.CommitAsync("c", new(["http://n1"], Sum, 5, _video, 7), default));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
    }

    [Fact]
    public async Task Videos_are_made_viewed_and_moved_on()
    {
        _answering.With(200, "{}");

        await _client.CreateVideoAsync(_video, "My Video", 600, default);
        Assert.Equal("POST /video " + $$"""{"title":"My Video","duration_sec":600,"client_video_id":"{{_video}}"}""", _answering.Asked);
        await _client.SetStatusAsync(_video, "active", default);
        Assert.Equal($"PATCH /video/{_video}/status " + """{"status":"active"}""", _answering.Asked);
        await _client.ViewAsync(_video, default);
        Assert.Equal($"POST /video/{_video}/view", _answering.Asked);
    }

    private sealed class Answering : HttpMessageHandler
    {
        private HttpStatusCode _status;
        private string _body = "";

        public string Asked { get; private set; } = "";

        public void With(int status, string body) => (_status, _body) = ((HttpStatusCode)status, body);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = request.Content is null ? "" : $" {await request.Content.ReadAsStringAsync(cancellationToken)}";
            Asked = $"{request.Method} {request.RequestUri!.AbsolutePath}{body}";
            return new(_status) { Content = new StringContent(_body, Encoding.UTF8, "application/json") };
        }
    }
}
