using System.Net.Http.Json;
using System.Text.Json;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Accounts;
using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Limiting;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Uploads;
using Lifecycle.Store.Videos;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Bench;

/// <summary>
/// A control request at 32 connections to one replica of Upload.Api, beside a bare endpoint of the same framework that asks the stores
/// the same: the account, its bucket, and what the route is about. What the replica does more is the framework's pipeline, the token's
/// signature, ownership, validation and the body.
/// </summary>
internal static class ApiBench
{
    public const string JobGet = "jobs";
    public const string Initiate = "initiate";

    private const int Connections = 32;
    private const long TotalBytes = 100_000_000;
    private const int PartBytes = 5 << 20;

    private static readonly TimeSpan _life = TimeSpan.FromHours(24);

    /// <summary>Limits that this load does not meet; the bucket is asked nevertheless.</summary>
    private static readonly Dictionary<string, string> _settings = new(StringComparer.Ordinal)
    {
        ["ratelimit__requestsPerSecond"] = "1000000", ["ratelimit__burst"] = "1000000", ["quota__defaultDailyLimit"] = "0",
    };

    public static async Task<double> RunAsync(Session session, string route, CancellationToken ct)
    {
        var platform = await session.StartAsync(new(UploadSettings: _settings), ct);
        await platform.StopAsync("processing-worker", ct);
        var account = await platform.AccountAsync(ct);
        var jobId = await JobAsync(platform, account, ct);
        var services = await platform.JoinAsync(ct);
        await using var peer = await PeerAsync(services, route, () => account.Id, jobId, ct);

        var path = route == JobGet ? $"/api/v1/jobs/{jobId}" : "/api/v1/uploads/initiate";
        List<string> options = [];
        if (route == Initiate)
        {
            var script = Path.Combine(session.Scratch, "initiate.lua");
            await File.WriteAllTextAsync(script, $$$"""wrk.method = "POST" wrk.body = '{"filename":"large.mp4","total_size":{{{TotalBytes}}}}' wrk.headers["Content-Type"] = "application/json" """, ct);
            options.AddRange(["--script", script]);
        }

        async Task<Load> MeasureAsync(Uri target, int seconds)
        {
            if (route == Initiate)
            {
                account = await platform.AccountAsync(ct); // an account may have so many uploads under way and no more
            }

            return await Load.RunAsync(session, target, Connections, seconds, [.. options, "--header", $"Authorization: Bearer {account.Token}"], ct);
        }

        Dictionary<string, Uri> targets = new(StringComparer.Ordinal)
        {
            ["bare endpoint"] = new(new(peer.Urls.Single()), path), ["replica"] = new(platform.Endpoint("upload-api-1"), path), ["gateway, 2 replicas"] = new(platform.Gateway, path),
        };
        foreach (var target in targets.Values)
        {
            await MeasureAsync(target, seconds: 2);
        }

        var runs = targets.Keys.ToDictionary(name => name, _ => new List<Load>(), StringComparer.Ordinal);
        while (session.Another(runs["replica"].Count, session.Quick ? 2 : 10))
        {
            foreach (var name in runs["replica"].Count % 2 == 0 ? targets.Keys : targets.Keys.Reverse())
            {
                runs[name].Add(await MeasureAsync(targets[name], seconds: session.Quick ? 1 : 3));
            }
        }

        Session.Print($"{(route == JobGet ? "GET" : "POST")} {path}, {Connections} connections (wrk, on the same {Environment.ProcessorCount} cores)");
        Session.Print("min / median / max          requests/s                 p50 ms                    p99 ms");
        foreach (var (name, loads) in runs)
        {
            Session.Print($"  {name,-24}  {new Figures(loads.Select(load => load.PerSecond)).Text("0"),-26} {new Figures(loads.Select(load => load.P50)).Text("0.0"),-25} {new Figures(loads.Select(load => load.P99)).Text("0.0")}");
        }

        Figures ratio = new(runs["replica"].Zip(runs["bare endpoint"], (load, bare) => load.PerSecond / bare.PerSecond));
        Session.Print($"replica over the bare endpoint: {ratio.Text()} (aim 0.7)");
        return ratio.Median;
    }

    private static async Task<WebApplication> PeerAsync(IServiceProvider services, string route, Func<Guid> userId, Guid jobId, CancellationToken ct)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        var app = builder.Build();
        var (users, buckets) = (new UserStore(services.GetRequiredService<LifecycleDatabase>()), services.GetRequiredService<RateBuckets>());
        var (jobs, uploads) = (services.GetRequiredService<JobStore>(), services.GetRequiredService<UploadStore>());
        var (sessions, objects) = (services.GetRequiredService<UploadSessions>(), services.GetRequiredService<ObjectStore>());
        RateLimit limit = new("bench", 1_000_000, 1_000_000);
        async Task<Guid> AccountAsync(CancellationToken token)
        {
            var user = userId();
            await users.FindAsync(user, token);
            await buckets.TakeAsync($"user {user}", limit, token);
            return user;
        }

        if (route == JobGet)
        {
            app.MapGet("/api/v1/jobs/{id}", async (CancellationToken token) =>
            {
                await AccountAsync(token);
                return Results.Json(await jobs.FindAsync(jobId, token));
            });
        }
        else
        {
            app.MapPost("/api/v1/uploads/initiate", async (CancellationToken token) =>
            {
                var user = await AccountAsync(token);
                await sessions.HasOpenAsync(user, most: 1000, token);
                NewSession session = new(Guid.CreateVersion7(), Guid.CreateVersion7(), user, UploadKind.Parts, TotalBytes, PartBytes, null, null, null);
                var uploadToken = await uploads.BeginAsync(session.VideoId, user, "large.mp4", isPartial: false, token);
                var s3 = await objects.BeginUploadAsync(ObjectKeys.Source(session.VideoId), token);
                await sessions.OpenAsync(session, uploadToken, s3, _life, _life, token);
                return Results.Json(await sessions.FindAsync(session.Id, token), statusCode: StatusCodes.Status201Created);
            });
        }

        await app.StartAsync(ct);
        return app;
    }

    /// <summary>The job of a video that waits for a worker.</summary>
    private static async Task<Guid> JobAsync(Platform platform, Account account, CancellationToken ct)
    {
        platform.Http.DefaultRequestHeaders.Authorization = new("Bearer", account.Token);
        using MultipartFormDataContent form = new() { { new ByteArrayContent("no video"u8.ToArray()), "video", "a.mp4" } };
        using var video = await platform.Http.PostAsync("/api/v1/videos/upload", form, ct);
        video.EnsureSuccessStatusCode();
        var listed = await platform.Http.GetFromJsonAsync<JsonElement>("/api/v1/jobs", ct);
        return listed.GetProperty("jobs")[0].GetProperty("id").GetGuid();
    }
}
