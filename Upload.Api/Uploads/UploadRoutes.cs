using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Idempotency;
using Lifecycle.Store.Videos;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Upload.Api.Accounts;
using Upload.Api.Uploads.Sessions;
using Upload.Api.Uploads.Tus;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads;

/// <summary>The answer of an accepted upload.</summary>
public sealed record UploadAccepted(Guid VideoId);

/// <summary><c>POST /upload</c> (seed 000): 201 only after the bytes are durable and the row is committed.</summary>
public static class UploadRoutes
{
    private const int RetryAfterSeconds = 5;

    /// <summary>What a multipart body has beside the file: boundaries, part headers, a few form fields.</summary>
    private const long FormOverheadBytes = 1 << 20;

    /// <summary>Kestrel counts chunked framing as body: 7 bytes for each chunk of 512, the smallest that is worth sending.</summary>
    private const int FramingShare = 64;

    public static IServiceCollection AddUploads(this IServiceCollection services)
    {
        services.AddOptions<UploadOptions>().BindConfiguration(UploadOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<UploadOptions>, UploadOptionsValidator>();
        services.AddOptions<PartOptions>().BindConfiguration(PartOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<PartOptions>, PartOptionsValidator>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, SessionJson.Default));
        services.AddSingleton<UploadEnd>();
        services.AddSingleton<SourceUpload>();
        services.AddSingleton<PartGate>();
        services.AddSingleton<SessionOpening>();
        services.AddSingleton<SessionCompletion>();
        services.AddSingleton<PartReceiver>();
        services.AddTus();
        services.AddSingleton<UploadGate>();
        services.AddSingleton<UploadReaper>();
        return services.AddDuty<UploadReaper>("reaper", TimeSpan.FromSeconds(2), (reaper, ct) => reaper.PassAsync(ct));
    }

    public static void MapUploads(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/upload", UploadAsync).DisableAntiforgery();
        routes.MapSessions();
        routes.MapTus();
    }

    private static async Task<IResult> UploadAsync(
        HttpContext context, Caller? caller, SourceUpload upload, UploadStore uploads, IdempotencyStore keys, UploadGate gate, IOptions<UploadOptions> options, ILoggerFactory loggers, CancellationToken ct)
    {
        var request = context.Request;
        if (Caller.IsRefused(request, caller))
        {
            return Problems.Unauthorized.ToResult();
        }

        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize =
            options.Value.MaxBytes + (options.Value.MaxBytes / FramingShare) + FormOverheadBytes; // bounds what is beside the file, too; the file itself is counted
        if (!DigestHeader.TryParse(request.Headers["Content-Digest"], out var content) || !DigestHeader.TryParse(request.Headers["Repr-Digest"], out var representation))
        {
            return Problems.MalformedHeader.ToResult("Content-Digest and Repr-Digest are dictionaries of byte sequences (RFC 9530): sha-256=:BASE64:");
        }

        if (request.ContentLength > options.Value.MaxBytes + FormOverheadBytes)
        {
            return Problems.TooLarge.ToResult($"At most {options.Value.MaxBytes} bytes.");
        }

        if (!TryKey(request, caller, out var key))
        {
            return Problems.MalformedHeader.ToResult(IdempotencyHeader.Rule);
        }

        using var place = gate.TryEnter();
        if (place is null)
        {
            return Problems.Unavailable.ToResult("This server takes no more uploads at the moment.", RetryAfterSeconds);
        }

        try
        {
            if (options.Value.BudgetBytes is var budget and > 0 && await uploads.StoredBytesAsync(ct) + (request.ContentLength ?? 0) > budget)
            {
                return Problems.InsufficientStorage.ToResult();
            }

            using UploadBody body = new(request.Body, content, representation);
            return await ReceiveAsync(request, caller?.UserId, body, upload, keys, key, options.Value, ct);
        }
        catch (BodyException exception)
        {
            return exception.Problem.ToResult(exception.Problem == Problems.TooLarge ? $"At most {options.Value.MaxBytes} bytes." : exception.Message);
        }
        catch (Exception exception) when (exception is IOException || Outages.IsOutage(exception) || (exception is OperationCanceledException && !ct.IsCancellationRequested))
        {
            UploadLog.StorageFailed(loggers.CreateLogger(typeof(UploadRoutes)), exception);
            return Problems.StorageFailure.ToResult(retryAfterSeconds: RetryAfterSeconds);
        }
    }

    private static async Task<IResult> ReceiveAsync(
        HttpRequest request, Guid? ownerId, UploadBody body, SourceUpload upload, IdempotencyStore keys, IdempotencyKey? key, UploadOptions options, CancellationToken ct)
    {
        if (FilePart.ReaderOf(request, body.Stream) is not { } reader || await BodyException.GuardAsync(() => FilePart.FindAsync(reader, "file", ct)) is not { } file)
        {
            return Problems.NoFile.ToResult();
        }

        var videoId = Guid.CreateVersion7();
        var sha512 = body.WantsSha512 || file.Digest.Sha512 is not null;
        async Task<Problem?> Accept(RunningDigest digest, CancellationToken token)
        {
            await BodyException.GuardAsync(async () =>
            {
                await body.DrainAsync(reader, token);
                return true;
            });
            return digest.Matches(file.Digest) && body.Accepts(digest) ? null : Problems.DigestMismatch;
        }

        if (key is null)
        {
            return Answer(await upload.RunAsync(videoId, ownerId, file, Accept, null, request.ContentLength, sha512, ct));
        }

        var held = await keys.TakeAsync(key.Scope, key.Key, videoId, ct);
        switch (held.Outcome)
        {
            case KeyOutcome.InFlight:
                return Problems.IdempotencyInFlight.ToResult(retryAfterSeconds: RetryAfterSeconds);
            case KeyOutcome.Answered:
                return await RepeatAsync(held, file, Accept, sha512, options, ct);
            default:
                return await FirstAsync(upload, keys, key, videoId, ownerId, file, Accept, request.ContentLength, sha512, ct);
        }
    }

    private static async Task<IResult> FirstAsync(
        SourceUpload upload, IdempotencyStore keys, IdempotencyKey key, Guid videoId, Guid? ownerId, FilePart file, Func<RunningDigest, CancellationToken, Task<Problem?>> accept, long? length, bool sha512, CancellationToken ct)
    {
        var accepted = false;
        try
        {
            var outcome = await upload.RunAsync(videoId, ownerId, file, accept, key, length, sha512, ct);
            accepted = outcome.Problem is null;
            return Answer(outcome);
        }
        finally
        {
            if (!accepted)
            {
                using CancellationTokenSource within = new(TimeSpan.FromSeconds(5));
                await keys.ReleaseAsync(key.Scope, key.Key, videoId, within.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // else its lease runs out
            }
        }
    }

    /// <summary>A repeated request: its body is read, because only the same body gets the first answer again.</summary>
    private static async Task<IResult> RepeatAsync(
        KeyResult held, FilePart file, Func<RunningDigest, CancellationToken, Task<Problem?>> accept, bool sha512, UploadOptions options, CancellationToken ct)
    {
        using RunningDigest digest = new(sha512);
        var buffer = GC.AllocateUninitializedArray<byte>(1 << 16);
        for (int read; (read = await file.Body.ReadAsync(buffer, ct)) > 0;)
        {
            digest.Append(buffer.AsSpan(0, read));
            if (digest.Bytes > options.MaxBytes)
            {
                return Problems.TooLarge.ToResult();
            }
        }

        if (await accept(digest, ct) is { } problem)
        {
            return problem.ToResult();
        }

        return digest.Sha256().AsSpan().SequenceEqual(held.Sha256) ? Answer(new(held.VideoId, null)) : Problems.IdempotencyReused.ToResult();
    }

    private static IResult Answer(UploadOutcome outcome) => outcome.Problem is { } problem
        ? problem.ToResult()
        : TypedResults.Created($"/video/{outcome.VideoId}/status", new UploadAccepted(outcome.VideoId));

    /// <summary>A key is its sender's own: two accounts may use the same.</summary>
    private static bool TryKey(HttpRequest request, Caller? caller, out IdempotencyKey? key)
    {
        key = null;
        if (!IdempotencyHeader.TryRead(request, out var text))
        {
            return false;
        }

        key = text is null ? null : new($"{caller?.UserId.ToString() ?? "anonymous"} POST /upload", text);
        return true;
    }
}

/// <summary>A request's body with the digests that its header section promises.</summary>
/// <remarks>
/// By RFC 9530 a request's Content-Digest covers the whole multipart content; clients that know only their file send the
/// file's. Either is proof of what arrived, so either is accepted; neither is a mismatch.
/// </remarks>
internal sealed class UploadBody : IDisposable
{
    private readonly IReadOnlyList<DigestHeader> _promised;
    private readonly RunningDigest? _whole;

    public UploadBody(Stream body, params DigestHeader[] promised)
    {
        _promised = [.. promised.Where(digest => !digest.IsEmpty)];
        WantsSha512 = _promised.Any(digest => digest.Sha512 is not null);
        _whole = _promised.Count == 0 ? null : new RunningDigest(WantsSha512);
        Stream = _whole is null ? body : new HashingStream(body, _whole);
    }

    public Stream Stream { get; }

    public bool WantsSha512 { get; }

    public bool Accepts(RunningDigest file) => _promised.All(digest => file.Matches(digest) || _whole!.Matches(digest));

    /// <summary>Reads to the end of the body: a missing closing boundary is an error even where the file itself is whole.</summary>
    public async Task DrainAsync(MultipartReader reader, CancellationToken ct)
    {
        while (await reader.ReadNextSectionAsync(ct) is not null)
        {
            // Parts behind the file are not for us.
        }

        await Stream.CopyToAsync(Stream.Null, ct);
    }

    public void Dispose() => _whole?.Dispose();
}

internal static partial class UploadLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "An upload could not be stored")]
    public static partial void StorageFailed(ILogger logger, Exception exception);
}
