using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using Storage.Fabric;
using Storage.Metadata;
using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>An answer with its body; of an error too.</summary>
internal sealed record Answer(int Status, JsonElement Body, HttpResponseHeaders Headers)
{
    public JsonElement this[string name] => Body.GetProperty(name);

    public override string ToString() => $"{Status} {Body}";
}

/// <summary>The real service on Kestrel over a database of its own, and nodes for it. Several over one database are its replicas.</summary>
internal sealed class MetadataHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<TestNode> _nodes = [];

    private MetadataHost(WebApplication app, string database)
    {
        (_app, Database) = (app, database);
        Http = new() { BaseAddress = new(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(60) };
        Source = NpgsqlDataSource.Create(database);
    }

    public HttpClient Http { get; }

    public NpgsqlDataSource Source { get; }

    /// <summary>Its connection string.</summary>
    public string Database { get; }

    /// <summary>Fast enough for tests to wait for; later settings win.</summary>
    public static IReadOnlyList<(string Name, string Value)> Usual { get; } =
    [
        ("urls", "http://127.0.0.1:0"), ("environment", "Development"), ("Logging:LogLevel:Default", "None"), ("Metadata:ProbeSeconds", "0.25"),
        ("Metadata:RepairSeconds", "0.25"), ("Metadata:RemovalGraceSeconds", "0"), ("Metadata:Conversions", "false"),
    ];

    /// <summary>For tests in which nodes die; in the others a machine that is busy for a moment must not look like death.</summary>
    public static (string Name, string Value)[] QuickDeath { get; } = [("Metadata:DegradedAfterSeconds", "2"), ("Metadata:DownAfterSeconds", "4")];

    public static async Task<string> CreateDatabaseAsync(Servers servers, CancellationToken ct)
    {
        var name = $"t{Guid.NewGuid():N}";
        await using var admin = NpgsqlDataSource.Create(servers.Postgres);
        await using var create = admin.CreateCommand($"create database {name}");
        await create.ExecuteNonQueryAsync(ct);
        return new NpgsqlConnectionStringBuilder(servers.Postgres) { Database = name }.ConnectionString;
    }

    public static async Task<MetadataHost> StartAsync(Servers servers, CancellationToken ct, params (string Name, string Value)[] settings) =>
        await StartAsync(await CreateDatabaseAsync(servers, ct), ct, settings);

    public static async Task<MetadataHost> StartAsync(string database, CancellationToken ct, params (string Name, string Value)[] settings)
    {
        var app = StorageMetadata.Build(Arguments(database, settings));
        await app.StartAsync(ct);
        return new(app, database);
    }

    public static string[] Arguments(string database, params IEnumerable<(string Name, string Value)> settings) =>
    [
        .. Usual.Append(("ConnectionStrings:storagedb", database)).Concat(settings)
            .GroupBy(setting => setting.Item1, StringComparer.OrdinalIgnoreCase).Select(group => $"--{group.Key}={group.Last().Item2}"),
    ];

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Answer> PostAsync(string path, object? body = null) => SendAsync(HttpMethod.Post, path, body);

    public async Task<Answer> SendAsync(HttpMethod method, string path, object? body = null, string? credential = null)
    {
        using HttpRequestMessage request = new(method, path);
        request.Content = body switch { null => null, string text => new StringContent(text, Encoding.UTF8, "application/json"), _ => JsonContent.Create(body) };
        request.Headers.Authorization = credential is null ? null : new("Bearer", credential);
        using var response = await Http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        return new((int)response.StatusCode, bytes.Length > 0 ? JsonSerializer.Deserialize<JsonElement>(bytes) : default, response.Headers);
    }

    /// <summary>Nodes that are registered and known to be what they are.</summary>
    public async Task<TestNode[]> AddNodesAsync(int count, bool isNative = true, string prefix = "node", string? credential = null)
    {
        List<TestNode> added = [];
        for (var i = 1; i <= count; i++)
        {
            var node = await new TestNode($"{prefix}-{i}", isNative, credential).StartAsync();
            var registered = await SendAsync(HttpMethod.Post, "/nodes/register", new { node_url = node.Url, node_id = node.Id }, credential);
            Assert.Equal(200, registered.Status);
            added.Add(node);
        }

        _nodes.AddRange(added);
        return [.. added];
    }

    /// <summary>A new video's id.</summary>
    public async Task<string> CreateVideoAsync()
    {
        var created = await PostAsync("/video", new { title = "A video", duration_sec = 600 });
        Assert.Equal(200, created.Status);
        return created["video_id"].GetString()!;
    }

    /// <summary>The body of a commit of these bytes.</summary>
    public static object Commit(string videoId, byte[] bytes, IEnumerable<string> urls, int sequence = 0) => new
    {
        node_urls = urls.ToArray(),
        checksum = Checksum.InJson(Checksum.HexOf(bytes)),
        size_bytes = bytes.Length,
        video_id = videoId,
        sequence_num = sequence,
        redundancy_mode = "replication",
        fragments_metadata = (object?)null,
    };

    /// <summary>Stores a chunk on these nodes and commits it.</summary>
    public async Task<string> StoreAsync(string videoId, byte[] bytes, TestNode[] nodes, int sequence = 0)
    {
        var chunk = ChunkNames.Chunk(Guid.Parse(videoId), sequence);
        foreach (var node in nodes)
        {
            node.Chunks[chunk] = bytes;
        }

        var committed = await PostAsync($"/chunk/{chunk}/commit", Commit(videoId, bytes, nodes.Select(node => node.Url), sequence));
        Assert.True(committed.Status == 200 && committed["success"].GetBoolean(), committed.ToString());
        return chunk;
    }

    public async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> map)
    {
        await using var command = Source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        List<T> rows = [];
        while (await reader.ReadAsync())
        {
            rows.Add(map(reader));
        }

        return rows;
    }

    /// <summary>Every row of every table that a commit could touch, as text.</summary>
    public async Task<string> DumpAsync()
    {
        StringBuilder dump = new();
        foreach (var table in (string[])["videos", "views", "redundancy_overrides", "chunk_groups", "chunk_decisions", "chunk_placements", "removals"])
        {
            // The audit's turns are no facts.
            foreach (var row in await QueryAsync($"select (to_jsonb(t) - 'audited_at')::text from {table} t order by 1", row => row.GetString(0)))
            {
                dump.Append(table).Append(' ').AppendLine(row);
            }
        }

        return dump.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
        await Source.DisposeAsync();
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }
}
