using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Database;
using Lifecycle.Store.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Bench;

/// <summary>
/// From the first to the last of many deliveries at a receiver in this process, by one replica with its usual settings: how soon
/// it finds them is no part of the rate. The peer posts the very same signed requests to the same receiver with an HttpClient, as
/// many at a time.
/// </summary>
internal static partial class WebhooksBench
{
    /// <summary>webhooks:maxConcurrent, and the webhooks that fill it with webhooks:maxConcurrentPerWebhook.</summary>
    private const int Concurrency = 32;

    private const int Webhooks = Concurrency / 2;

    public static async Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var events = session.Quick ? 25 : 125;
        var platform = await session.StartAsync(new(UploadSettings: new Dictionary<string, string>(StringComparer.Ordinal) { ["webhooks__allowPrivateTargets"] = "true" }), ct);
        await platform.StopAsync("upload-api-2", ct);
        await platform.StopAsync("processing-worker", ct);
        var services = await platform.JoinAsync(ct);
        await using var receiver = await Receiver.StartAsync(ct);
        var owner = await OwnerAsync(platform, receiver, ct);
        await DeliverAsync(services, receiver, owner, 5, ct); // warm
        await PostAsync(receiver, ct);

        List<double> delivered = [], posted = [];
        while (session.Another(delivered.Count, session.Quick ? 2 : 5))
        {
            delivered.Add(await DeliverAsync(services, receiver, owner, events, ct));
            posted.Add(await PostAsync(receiver, ct));
            Session.Print($"pair {delivered.Count}: {delivered[^1]:0} deliveries/s, {posted[^1]:0} plain posts/s");
        }

        Session.Print($"{events * Webhooks} deliveries to {Webhooks} webhooks, {Concurrency} at a time; per second, min / median / max");
        Session.Print($"  dispatcher: claimed, signed, sent, recorded   {new Figures(delivered).Text("0")}");
        Session.Print($"  HttpClient, the same signed requests          {new Figures(posted).Text("0")}");
        return new Figures(delivered.Zip(posted, (one, peer) => one / peer)).Median;
    }

    /// <returns>Deliveries per second.</returns>
    private static async Task<double> DeliverAsync(IServiceProvider services, Receiver receiver, Guid owner, int events, CancellationToken ct)
    {
        var all = receiver.Expect(events * Webhooks);
        await using var transaction = await services.GetRequiredService<LifecycleDatabase>().BeginAsync(ct);
        for (var i = 0; i < events; i++)
        {
            await WebhookOutbox.PublishAsync(transaction.Connection, owner, WebhookEvents.JobCompleted, new Data(Guid.NewGuid(), Guid.NewGuid(), "completed", 100), BenchJson.Default.Data, ct);
        }

        await transaction.CommitAsync(ct);
        return await all.WaitAsync(ct);
    }

    /// <returns>Requests per second.</returns>
    private static async Task<double> PostAsync(Receiver receiver, CancellationToken ct)
    {
        var requests = receiver.Take();
        var all = receiver.Expect(requests.Count);
        using HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = Concurrency, ActivityHeadersPropagator = null });
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = ct }, async (taken, token) =>
        {
            using HttpRequestMessage request = new(HttpMethod.Post, receiver.Url) { Content = new ByteArrayContent(taken.Body) };
            foreach (var (name, value) in taken.Headers)
            {
                if (!request.Headers.TryAddWithoutValidation(name, value))
                {
                    request.Content.Headers.TryAddWithoutValidation(name, value);
                }
            }

            using var answer = await http.SendAsync(request, token);
            answer.EnsureSuccessStatusCode();
        });
        var rate = await all.WaitAsync(ct);
        receiver.Take();
        return rate;
    }

    private static async Task<Guid> OwnerAsync(Platform platform, Receiver receiver, CancellationToken ct)
    {
        var account = await platform.AccountAsync(ct);
        platform.Http.DefaultRequestHeaders.Add("X-API-Key", account.ApiKey);
        for (var i = 0; i < Webhooks; i++)
        {
            using var created = await platform.Http.PostAsJsonAsync("/api/v1/webhooks", new { url = receiver.Url, events = new { job_completed = true } }, ct);
            created.EnsureSuccessStatusCode();
        }

        return account.Id;
    }

    private sealed record Data(Guid Id, Guid VideoId, string Status, double Progress);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
    [JsonSerializable(typeof(Data))]
    private sealed partial class BenchJson : JsonSerializerContext;

    private sealed record Taken(IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body);

    /// <summary>Answers 204 and keeps what came.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private static readonly string[] _ownHeaders = ["Host", "Content-Length"];

        private readonly WebApplication _app;
        private ConcurrentBag<Taken> _taken = [];
        private TaskCompletionSource<double> _all = new();
        private long _first;
        private int _expected;
        private int _came;

        private Receiver()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
            _app = builder.Build();
            _app.Run(TakeAsync);
        }

        public string Url => $"{_app.Urls.Single()}/hook";

        public static async Task<Receiver> StartAsync(CancellationToken ct)
        {
            Receiver receiver = new();
            await receiver._app.StartAsync(ct);
            return receiver;
        }

        /// <summary>Ends when so many more have come, with their rate per second.</summary>
        public Task<double> Expect(int count)
        {
            (_came, _expected, _all) = (0, count, new(TaskCreationOptions.RunContinuationsAsynchronously));
            return _all.Task;
        }

        /// <summary>What has come since the last call.</summary>
        public ConcurrentBag<Taken> Take() => Interlocked.Exchange(ref _taken, []);

        public ValueTask DisposeAsync() => _app.DisposeAsync();

        private async Task TakeAsync(HttpContext context)
        {
            using MemoryStream body = new();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            _taken.Add(new([.. context.Request.Headers.Where(header => !_ownHeaders.Contains(header.Key)).Select(header => KeyValuePair.Create(header.Key, header.Value.ToString()))], body.ToArray()));
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            var came = Interlocked.Increment(ref _came);
            if (came == 1)
            {
                _first = Stopwatch.GetTimestamp();
            }
            else if (came == _expected)
            {
                _all.SetResult((_expected - 1) / Stopwatch.GetElapsedTime(_first).TotalSeconds);
            }
        }
    }
}
