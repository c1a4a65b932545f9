using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Lifecycle.Store;
using Lifecycle.Store.Database;
using Lifecycle.Store.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using VideoPlatform.ServiceDefaults;

namespace Bench;

/// <param name="Workers">Processes of Processing.Worker.</param>
/// <param name="Threads">Encoder threads of a task.</param>
/// <param name="PeerFiles">A folder that a plain nginx serves beside the platform, as the resource <c>peer</c>; null: none.</param>
/// <param name="UploadSettings">Settings of Upload.Api beside its own.</param>
/// <param name="StoreSettings">Settings of the storage nodes and the metadata service beside their own.</param>
public sealed record PlatformOptions(int Workers = 2, int Threads = 1, string? PeerFiles = null, IReadOnlyDictionary<string, string>? UploadSettings = null,
    IReadOnlyDictionary<string, string>? StoreSettings = null);

public sealed record Account(Guid Id, string ApiKey, string Token);

/// <summary>The product's own AppHost with the Release services, on free ports, with state that goes with it.</summary>
public sealed class Platform : IAsyncDisposable
{
    /// <summary>Three renditions of 1080p.</summary>
    private static readonly int[] Ladder = [1080, 720, 480];

    private static readonly TimeSpan _startWithin = TimeSpan.FromMinutes(2);

    private readonly DistributedApplication _app;
    private readonly PlatformOptions _options;
    private WebApplication? _member;

    private Platform(DistributedApplication app, PlatformOptions options) => (_app, _options) = (app, options);

    public HttpClient Http { get; private set; } = null!;

    public Uri Gateway => Endpoint("gateway");

    /// <summary>Ids of the worker replicas; a single one's is its name.</summary>
    public IEnumerable<string> Workers => _options.Workers == 1 ? ["processing-worker"] : Enumerable.Range(0, _options.Workers).Select(i => $"processing-worker-{i}");

    public static async Task<Platform> StartAsync(PlatformOptions options, Action<Platform> own, CancellationToken ct)
    {
        using var within = CancellationTokenSource.CreateLinkedTokenSource(ct);
        within.CancelAfter(_startWithin);
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.VideoPlatform_AppHost>([$"--Replicas:processing-worker={options.Workers}"], within.Token);
        var worker = builder.CreateResourceBuilder((ProjectResource)builder.Resources.Single(resource => resource.Name == "processing-worker"));
        worker.WithEnvironment("Worker__Threads", options.Threads.ToString(CultureInfo.InvariantCulture));
        foreach (var (i, height) in Ladder.Index())
        {
            worker.WithEnvironment($"Worker__Heights__{i}", height.ToString(CultureInfo.InvariantCulture));
        }

        Set(builder, "upload-api", new Dictionary<string, string>(StringComparer.Ordinal) { ["Access__OpenUpload"] = "true" });
        Set(builder, "upload-api", options.UploadSettings);
        Set(builder, "storage-", options.StoreSettings);
        if (options.PeerFiles is { } files)
        {
            builder.AddContainer("peer", "nginx")
                .WithBindMount(Path.Combine(AppContext.BaseDirectory, "peer.conf.template"), "/etc/nginx/templates/default.conf.template", isReadOnly: true)
                .WithBindMount(files, "/srv/peer")
                .WithHttpEndpoint(targetPort: 8080);
        }

        Platform platform = new(await builder.BuildAsync(within.Token), options);
        own(platform);
        await platform._app.StartAsync(within.Token);
        await platform._app.ResourceNotifications.WaitForResourceHealthyAsync("gateway", within.Token);
        platform.Http = new() { BaseAddress = platform.Gateway, Timeout = TimeSpan.FromMinutes(5) };
        return platform;
    }

    private static void Set(IDistributedApplicationTestingBuilder builder, string prefix, IReadOnlyDictionary<string, string>? settings)
    {
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(resource => resource.Name.StartsWith(prefix, StringComparison.Ordinal)).ToList())
        {
            foreach (var (name, value) in settings ?? new Dictionary<string, string>(StringComparer.Ordinal))
            {
                builder.CreateResourceBuilder(service).WithEnvironment(name, value);
            }
        }
    }

    public Uri Endpoint(string resource) => _app.GetEndpoint(resource, "http");

    public async Task<string> ConnectionStringAsync(string name, CancellationToken ct) =>
        await _app.GetConnectionStringAsync(name, ct) ?? throw new InvalidOperationException($"{name} has no connection string.");

    /// <summary>The process of one replica.</summary>
    public int Pid(string replica) => _app.ResourceNotifications.TryGetCurrentState(replica, out var now)
        ? (int)now!.Snapshot.Properties.Single(property => property.Name == "executable.pid").Value!
        : throw new InvalidOperationException($"There is no {replica}.");

    /// <summary>A variable that one replica's process was started with.</summary>
    public string Environment(string replica, string name) =>
        File.ReadAllText($"/proc/{Pid(replica)}/environ").Split('\0').First(each => each.StartsWith($"{name}=", StringComparison.Ordinal))[(name.Length + 1)..];

    public Task StopAsync(string resource, CancellationToken ct) => _app.ResourceCommands.ExecuteCommandAsync(resource, KnownResourceCommands.StopCommand, ct);

    /// <summary>A new account, logged in.</summary>
    public async Task<Account> AccountAsync(CancellationToken ct)
    {
        var login = new { email = $"{Guid.NewGuid():N}@example.com", password = "correct horse" };
        using var registered = await Http.PostAsJsonAsync("/api/v1/auth/register", login, ct);
        registered.EnsureSuccessStatusCode();
        var account = await registered.Content.ReadFromJsonAsync<JsonElement>(ct);
        using var answer = await Http.PostAsJsonAsync("/api/v1/auth/login", login, ct);
        answer.EnsureSuccessStatusCode();
        var tokens = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
        return new(account.GetProperty("id").GetGuid(), account.GetProperty("api_key").GetString()!, tokens.GetProperty("token").GetString()!);
    }

    /// <summary>Posts a file as the client of the gateway.</summary>
    public async Task<Guid> UploadAsync(string path, CancellationToken ct)
    {
        await using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, useAsync: true);
        using StreamContent part = new(file, bufferSize: 1 << 20);
        part.Headers.ContentType = new MediaTypeHeaderValue("video/mp4");
        using MultipartFormDataContent form = new() { { part, "file", "bench.mp4" } };
        using var answer = await Http.PostAsync("/upload", form, ct);
        answer.EnsureSuccessStatusCode();
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
        return body.RootElement.GetProperty("videoId").GetGuid();
    }

    /// <summary>The services of one more process of the platform: its stores, and the relay of what it commits.</summary>
    public async Task<IServiceProvider> JoinAsync(CancellationToken ct)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        foreach (var name in (string[])["videodb", "messaging", "storage"])
        {
            builder.Configuration[$"ConnectionStrings:{name}"] = await ConnectionStringAsync(name, ct);
        }

        builder.AddPostgres("videodb", connections: 8).AddRabbitMQ("messaging").AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));
        builder.Services.AddLifecycleStore().AddOutboxRelay();
        _member = builder.Build();
        await _member.StartAsync(ct);
        return _member.Services;
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_member is not null)
        {
            await _member.DisposeAsync();
        }

        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}
