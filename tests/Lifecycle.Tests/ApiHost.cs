using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Testing;
using Upload.Api.Uploads;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>
/// Upload.Api as it is: its own Program runs inside the test, on Kestrel and a free port, with settings as arguments. Two of them over
/// one store are two replicas.
/// </summary>
internal sealed class ApiHost : IAsyncDisposable
{
    public const string Password = "correct horse battery staple";

    public const string AdminEmail = "admin@example.com";

    private static readonly TimeSpan _startWithin = TimeSpan.FromSeconds(60);

    private readonly IHost _host;
    private readonly Task _program;

    private ApiHost(IHost host, Task program)
    {
        (_host, _program) = (host, program);
        Http = Client();
    }

    public HttpClient Http { get; }

    private string Address => _host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public T Get<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    /// <summary>Limits are generous unless the settings say otherwise: later ones win.</summary>
    public static async Task<ApiHost> StartAsync(TestStore store, params (string Name, string Value)[] settings)
    {
        (string, string)[] usual =
        [
            ("urls", "http://127.0.0.1:0"), ("Logging:LogLevel:Default", "None"), ("Accounts:Secret", "a secret for tests, as long as it has to be"),
            ("Accounts:AdminEmail", AdminEmail), ("Accounts:AdminPassword", Password), ("Access:OpenUpload", "true"),
            ("ratelimit:requestsPerSecond", "10000"), ("ratelimit:burst", "10000"), ("ratelimit:loginsPerMinute", "60000"), ("ratelimit:loginBurst", "10000"),
        ];
        IEnumerable<(string Name, string Value)> all = [.. store.ConnectionStrings.Select(pair => (pair.Key, pair.Value!)), .. usual, .. settings];
        var arguments = all.GroupBy(setting => setting.Name, StringComparer.OrdinalIgnoreCase).Select(group => $"--{group.Key}={group.Last().Value}").ToArray();

        using Built built = new();
        var program = Task.Run(() => built.RunAsync(arguments));
        var started = await Task.WhenAny(built.Started, program).WaitAsync(_startWithin);
        await started; // the program's own failure, if that came first
        return new(await built.Started, program);
    }

    public HttpClient Client(string? token = null, string? forwardedFor = null)
    {
        HttpClient client = new() { BaseAddress = new(Address), Timeout = TimeSpan.FromSeconds(60) };
        if (token is not null)
        {
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        }

        if (forwardedFor is not null)
        {
            client.DefaultRequestHeaders.Add("X-Forwarded-For", forwardedFor);
        }

        return client;
    }

    /// <summary>A new account: its id and a token.</summary>
    public async Task<(Guid Id, string Token)> RegisterAsync(CancellationToken ct)
    {
        var email = $"{Guid.NewGuid():N}@example.com";
        using var registered = await Http.PostAsJsonAsync("/api/v1/auth/register", new { email, password = Password }, ct);
        Assert.Equal(201, (int)registered.StatusCode);
        return await LoginAsync(email, ct);
    }

    /// <summary>The configured admin, once it is there: it is made in the background of the start.</summary>
    public Task<(Guid Id, string Token)> AdminAsync(CancellationToken ct) =>
        Poll.UntilAsync(() => LoginAsync(AdminEmail, ct), login => login.Token.Length > 0, TimeSpan.FromSeconds(30), "the admin's login");

    public async Task<(Guid Id, string Token)> LoginAsync(string email, CancellationToken ct)
    {
        using var answer = await Http.PostAsJsonAsync("/api/v1/auth/login", new { email, password = Password }, ct);
        if (!answer.IsSuccessStatusCode)
        {
            return (Guid.Empty, "");
        }

        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
        return (body.GetProperty("user_id").GetGuid(), body.GetProperty("token").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await _program;
    }

    /// <summary>Catches the host that the program builds: the framework announces it (as it does to its own tools and tests).</summary>
    private sealed class Built : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
    {
        private readonly AsyncLocal<bool> _here = new();
        private readonly TaskCompletionSource<IHost> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<IDisposable> _subscriptions = [];

        public Built() => _subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));

        public Task<IHost> Started => _started.Task;

        public async Task RunAsync(string[] arguments)
        {
            _here.Value = true; // several programs may be starting at once; each is built on its own flow
            var result = typeof(UploadRoutes).Assembly.EntryPoint!.Invoke(null, System.Reflection.BindingFlags.DoNotWrapExceptions, null, [arguments], null);
            if (result is Task running)
            {
                await running;
            }
        }

        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Microsoft.Extensions.Hosting")
            {
                lock (_subscriptions)
                {
                    _subscriptions.Add(value.Subscribe(this));
                }
            }
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (_here.Value && value is { Key: "HostBuilt", Value: IHost host })
            {
                host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() => _started.TrySetResult(host));
            }
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose()
        {
            lock (_subscriptions)
            {
                _subscriptions.ForEach(subscription => subscription.Dispose());
            }
        }
    }
}

internal static class Answers
{
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage answer, CancellationToken ct)
    {
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
        return body.RootElement.Clone();
    }

    public static async Task ProblemAsync(this HttpResponseMessage answer, int status, string code, CancellationToken ct)
    {
        Assert.Equal((status, $"urn:videoplatform:problem:{code}"), ((int)answer.StatusCode, (await answer.JsonAsync(ct)).GetProperty("type").GetString()));
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    public static string? Header(this HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;

    public static AuthenticationHeaderValue Bearer(string token) => new("Bearer", token);
}
