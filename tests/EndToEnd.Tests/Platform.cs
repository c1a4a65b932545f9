using System.Net.Http.Headers;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using EndToEnd.Tests;
using Testing;
using Xunit;

[assembly: AssemblyFixture(typeof(Platform))]

namespace EndToEnd.Tests;

/// <summary>The whole platform, from the product's own AppHost, on free ports; clients come through the gateway.</summary>
public sealed class Platform : IAsyncLifetime
{
    private DistributedApplication? _application;

    public HttpClient Http { get; private set; } = null!;

    public string Faults { get; } = Directory.CreateTempSubdirectory("videoplatform-faults-").FullName;

    public async ValueTask InitializeAsync()
    {
        using CancellationTokenSource within = new(TimeSpan.FromMinutes(3));
        Environment.SetEnvironmentVariable("FaultPoints__Directory", Faults);
        Environment.SetEnvironmentVariable("DOTNET_ENVIRONMENT", "Development");
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.VideoPlatform_AppHost>([], within.Token);
        _application = await builder.BuildAsync(within.Token);
        await _application.StartAsync(within.Token);
        await _application.ResourceNotifications.WaitForResourceHealthyAsync("gateway", within.Token);
        Http = _application.CreateHttpClient("gateway", "http");
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_application is not null)
        {
            await _application.StopAsync();
            await _application.DisposeAsync();
        }

        Directory.Delete(Faults, recursive: true);
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
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
        return body.RootElement.GetProperty("videoId").GetGuid();
    }

    public Task<string> EndStateAsync(Guid video, TimeSpan within, CancellationToken ct) => Poll.UntilAsync(
        async () =>
        {
            using var body = JsonDocument.Parse(await Http.GetStringAsync($"/video/{video}/status", ct));
            return body.RootElement.GetProperty("state").GetString()!;
        }, state => state is "READY" or "FAILED", within, $"the end of video {video}");
}
