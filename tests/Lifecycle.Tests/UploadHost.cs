using System.Net.Http.Headers;
using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Accounts;
using Lifecycle.Store.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Testing;
using Upload.Api;
using Upload.Api.Accounts;
using VideoPlatform.Accounts;
using Upload.Api.Chunks;
using Upload.Api.Status;
using Upload.Api.Uploads;
using VideoPlatform.ServiceDefaults;

namespace Lifecycle.Tests;

/// <summary>Upload.Api's routes on Kestrel, over the stores of one test, with settings of its own.</summary>
internal sealed class UploadHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private UploadHost(WebApplication app)
    {
        _app = app;
        Http = new() { BaseAddress = new(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(60) };
    }

    public HttpClient Http { get; }

    public static Task<UploadHost> StartAsync(TestStore store, CancellationToken ct, params (string Name, string Value)[] settings) => StartAsync(store, TimeProvider.System, ct, settings);

    public static async Task<UploadHost> StartAsync(TestStore store, TimeProvider time, CancellationToken ct, params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(store.ConnectionStrings);
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Accounts:Secret", (string?)new string('s', 32))]);
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Access:OpenUpload", (string?)"true")]);
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)));
        builder.AddServiceDefaults(Outages.IsOutage)
            .AddPostgres("videodb", Limits.DatabaseConnectionsPerProcess)
            .AddRabbitMQ("messaging")
            .AddS3("storage", bucket => builder.Services.AddSingleton(new Bucket(bucket)));
        builder.Services.AddLifecycleStore().AddHostJson().AddAccounts().AddUploads().AddChunkUploads().AddStatusStreams();
        builder.Services.AddSingleton(time);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseServiceDefaults();
        app.UseWebSockets();
        app.UseAuthentication().UseAuthorization();
        app.MapUploads();
        app.MapChunkUploads();
        app.MapStatus();
        await app.StartAsync(ct);
        return new(app);
    }

    /// <summary>A new account's client; it is the same account at every host of the store.</summary>
    public async Task<SessionClient> AccountAsync(CancellationToken ct)
    {
        var user = await _app.Services.GetRequiredService<UserStore>().CreateAsync($"{Guid.NewGuid():N}@example.com", "", Role.User, ct);
        return new(Http.BaseAddress!, _app.Services.GetRequiredService<Credentials>().DefaultApiKeyOf(user!), user!.Id);
    }

    /// <summary>Sends a multipart body as it is written here.</summary>
    public async Task<HttpResponseMessage> UploadAsync(HttpContent body, CancellationToken ct)
    {
        body.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");
        using HttpRequestMessage request = new(HttpMethod.Post, "/upload") { Content = body };
        return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
