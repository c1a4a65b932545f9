using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using EndToEnd.Tests;
using EndToEnd.Tests.Tracing;
using Lifecycle.Contracts;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Testing;
using Xunit;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: AssemblyFixture(typeof(Platform))]
[assembly: CollectionBehavior(DisableTestParallelization = true)] // they stop and kill parts of the one platform

namespace EndToEnd.Tests;

/// <summary>The whole platform, from the product's own AppHost, on free ports; clients come through the gateway.</summary>
public sealed class Platform : IAsyncLifetime
{
    /// <summary>Of an upload; small, so that a test can send more.</summary>
    public const int MaxBytes = 64 << 20;

    public const string AdminEmail = "admin@example.com";

    public const string AdminPassword = "the first admin's";

    public static IReadOnlyList<string> UploadReplicas { get; } = ["upload-api-1", "upload-api-2"];

    private static readonly TimeSpan _startWithin = TimeSpan.FromMinutes(3);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("videoplatform-e2e-");
    private DistributedApplication? _application;
    private TestStore? _store;

    public DistributedApplication Application => _application ?? throw new InvalidOperationException("The platform is not started.");

    /// <summary>The platform's own stores, for looking behind the API.</summary>
    public TestStore Store => _store ?? throw new InvalidOperationException("The platform is not started.");

    /// <summary>Whether the gateway caches, from its next start on.</summary>
    public bool GatewayCaches { get; set; } = true;

    /// <summary>The largest upload in bytes, from the next start of the replicas of Upload.Api on.</summary>
    public long UploadLimit { get; set; } = MaxBytes;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>The gateway's client with the configured admin's token.</summary>
    public HttpClient Admin { get; private set; } = null!;

    /// <summary>What every service has traced.</summary>
    public TraceReceiver Traces { get; } = new();

    /// <summary>Where tests arm fault points (see FaultPoints).</summary>
    public string Faults => _folder.CreateSubdirectory("faults").FullName;

    /// <summary>The local engine's state: logs and data of every resource.</summary>
    public string StateFolder { get; private set; } = "";

    /// <summary>The workers' scratch disk.</summary>
    public string Scratch => _folder.CreateSubdirectory("scratch").FullName;

    public async ValueTask InitializeAsync()
    {
        using CancellationTokenSource within = new(_startWithin);
        await Traces.StartAsync(within.Token);
        // ffmpeg runs as another user and must come through to the scratch folder.
        File.SetUnixFileMode(_folder.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        foreach (var (name, value) in Settings())
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.VideoPlatform_AppHost>([], within.Token);
        builder.CreateResourceBuilder((ContainerResource)builder.Resources.Single(resource => resource.Name == "gateway"))
            .WithEnvironment(context => context.EnvironmentVariables["GATEWAY_CACHE"] = GatewayCaches ? "segments" : "off");
        foreach (var replica in UploadReplicas)
        {
            builder.CreateResourceBuilder((ProjectResource)builder.Resources.Single(resource => resource.Name == replica))
                .WithEnvironment(context => context.EnvironmentVariables["Uploads__MaxBytes"] = UploadLimit.ToString(CultureInfo.InvariantCulture));
        }

        builder.CreateResourceBuilder((ProjectResource)builder.Resources.Single(resource => resource.Name == "storage-metadata"))
            .WithEnvironment("Metadata__SettlingSeconds", "20"); // a video is old enough to be converted

        StateFolder = builder.Configuration["LocalHosting:StateFolder"]!;
        _application = await builder.BuildAsync(within.Token);
        await _application.StartAsync(within.Token);
        await HealthyAsync("gateway", within.Token);
        Http = _application.CreateHttpClient("gateway", "http");
        Admin = await AdminClientAsync(within.Token);
        _store = await TestStore.CreateAsync(
            await ConnectionStringAsync("videodb", within.Token), await ConnectionStringAsync("messaging", within.Token), await ConnectionStringAsync("storage", within.Token), within.Token);
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        Admin?.Dispose();
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        if (_application is not null)
        {
            await _application.StopAsync();
            await _application.DisposeAsync();
        }

        await Traces.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    public static MultipartFormDataContent Form(byte[] file, string field = "file")
    {
        ByteArrayContent part = new(file);
        part.Headers.ContentType = new MediaTypeHeaderValue("video/mp4");
        return new() { { part, field, "a.mp4" } };
    }

    /// <summary>Uploads and expects 201.</summary>
    public async Task<Guid> UploadAsync(byte[] file, CancellationToken ct)
    {
        using var answer = await Http.PostAsync("/upload", Form(file), ct);
        Assert.Equal(201, (int)answer.StatusCode);
        return await VideoIdAsync(answer, ct);
    }

    public static async Task<Guid> VideoIdAsync(HttpResponseMessage answer, CancellationToken ct)
    {
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
        return body.RootElement.GetProperty("videoId").GetGuid();
    }

    public Task<string> EndStateAsync(Guid video, TimeSpan within, CancellationToken ct) => Poll.UntilAsync(
        async () =>
        {
            using var answer = await Http.GetAsync($"/video/{video}/status", ct);
            if (!answer.IsSuccessStatusCode)
            {
                return $"{(int)answer.StatusCode}"; // a part of the platform is just away
            }

            using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
            return body.RootElement.GetProperty("state").GetString()!;
        }, state => state is "READY" or "FAILED", within, $"the end of video {video}");

    /// <summary>The next process that comes by the point does what <paramref name="action"/> says.</summary>
    public void Arm(FaultPoint point, string action)
    {
        foreach (var old in Directory.GetFiles(Faults, $"{point}.*.hit"))
        {
            File.Delete(old); // of a test that did not wait for it
        }

        FaultFile.Arm(Faults, point.ToString(), action);
    }

    /// <summary>Waits until a process has come by an armed point: its pid.</summary>
    public async Task<int> HitAsync(FaultPoint point, TimeSpan within)
    {
        var hits = await Poll.UntilAsync(() => Task.FromResult(Directory.GetFiles(Faults, $"{point}.*.hit")), found => found.Length > 0, within, $"a process at {point}");
        var pid = Path.GetFileName(hits[0]).Split('.')[1];
        if (File.ReadAllText(hits[0]).StartsWith("kill", StringComparison.Ordinal))
        {
            // The point is taken a moment before the signal is sent.
            await Poll.UntilAsync(() => Task.FromResult(!Directory.Exists($"/proc/{pid}")), within, $"the end of the process at {point}");
        }

        File.Delete(hits[0]);
        return int.Parse(pid, CultureInfo.InvariantCulture);
    }

    public Task HealthyAsync(string resource, CancellationToken ct) => Application.ResourceNotifications.WaitForResourceHealthyAsync(resource, ct);

    /// <summary>Sends a resource a start, stop or restart command (KnownResourceCommands).</summary>
    public async Task CommandAsync(string resource, string command, CancellationToken ct)
    {
        var result = await Application.ResourceCommands.ExecuteCommandAsync(resource, command, ct);
        Assert.True(result.Success, $"{command} {resource}: {result.ErrorMessage}");
    }

    public async Task RestartAsync(string resource, CancellationToken ct)
    {
        await CommandAsync(resource, KnownResourceCommands.RestartCommand, ct);
        await HealthyAsync(resource, ct);
        Store.Database.Source.Clear(); // the pool's connections may have ended with the server
    }

    /// <summary>Waits until another process than <paramref name="pid"/> answers for a resource.</summary>
    public async Task HealthyAgainAsync(string resource, int pid, CancellationToken ct) =>
        await Application.ResourceNotifications.WaitForResourceAsync(
            resource, now => now.Snapshot is { HealthStatus: HealthStatus.Healthy, Properties: var properties } && properties.Any(p => p.Name == "executable.pid" && (int)p.Value! != pid), ct);

    /// <summary>The pid of a resource's replica.</summary>
    public int Pid(string resource)
    {
        Assert.True(Application.ResourceNotifications.TryGetCurrentState(resource, out var now), resource);
        return (int)now.Snapshot.Properties.Single(property => property.Name == "executable.pid").Value!;
    }

    private async Task<string> ConnectionStringAsync(string name, CancellationToken ct) =>
        await Application.GetConnectionStringAsync(name, ct) ?? throw new InvalidOperationException($"{name} has no connection string.");

    /// <summary>The admin is made in the background of a replica's start.</summary>
    private async Task<HttpClient> AdminClientAsync(CancellationToken ct)
    {
        var client = Application.CreateHttpClient("gateway", "http");
        client.DefaultRequestHeaders.Authorization = new("Bearer", await Poll.UntilAsync(
            async () =>
            {
                using var answer = await client.PostAsJsonAsync("/api/v1/auth/login", new { email = AdminEmail, password = AdminPassword }, ct);
                return answer.IsSuccessStatusCode ? (await answer.Content.ReadFromJsonAsync<JsonElement>(ct)).GetProperty("token").GetString() : null;
            }, token => token is not null, _startWithin, "the admin's login"));
        return client;
    }

    private IEnumerable<(string Name, string Value)> Settings()
    {
        yield return ("DOTNET_ENVIRONMENT", "Development");
        yield return ("FaultPoints__Directory", Faults);
        yield return ("Accounts__AdminEmail", AdminEmail);
        yield return ("Accounts__AdminPassword", AdminPassword);
        yield return ("Worker__ScratchPath", Scratch);
        yield return ("Worker__LivePixelsPerSecond", "20000000"); // measuring it would be a process that nobody asked for
        yield return ("OTEL_EXPORTER_OTLP_ENDPOINT", Traces.Endpoint);
        // The limits have tests of their own; here they would only be in the way.
        yield return ("ratelimit__requestsPerSecond", "10000");
        yield return ("ratelimit__burst", "10000");
        yield return ("ratelimit__loginsPerMinute", "60000");
        yield return ("ratelimit__loginBurst", "10000");
        yield return ("quota__defaultDailyLimit", "10000");
        // Receivers are in the test process; what a killed dispatcher was sending is another's after 17 s.
        yield return ("webhooks__allowPrivateTargets", "true");
        yield return ("webhooks__timeout", "2");
        yield return ("webhooks__retryDelaysSeconds__0", "1");
        // A broadcaster who stays away, or never comes, is not waited for so long; inputs may come from the test process.
        yield return ("Streams__ResumeWithinSeconds", "8");
        yield return ("Streams__ConfirmationSeconds", "25");
        yield return ("Streams__AllowedHosts__0", "127.0.0.1");
        // Half an hour of retries and of outage, 60 times faster.
        yield return ("Worker__SnoozeSeconds", "0.2");
        for (var retry = 0; retry < 5; retry++)
        {
            yield return ($"Worker__RetryDelaysSeconds__{retry}", (1 << retry).ToString(CultureInfo.InvariantCulture));
        }
    }
}
