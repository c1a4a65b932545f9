using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Idempotency;
using Lifecycle.Store.Videos;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Upload.Api.Accounts;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads;

/// <summary>What tells one route that takes a file in a form from another.</summary>
/// <param name="Scope">Names the route in the scope of an Idempotency-Key.</param>
/// <param name="Field">The form's field that holds the file.</param>
/// <param name="NoFile">The answer where there is none.</param>
/// <param name="StorageFailure">The answer where the file could not be stored.</param>
/// <param name="Answer">The answer for the video that came of it, whether in this request or in the first with its key.</param>
public sealed record FormRoute(string Scope, string Field, Problem NoFile, Problem StorageFailure, Func<Guid, CancellationToken, Task<IResult>> Answer)
{
    /// <summary>Text fields that it reads beside the file.</summary>
    public IReadOnlyList<string> Texts { get; init; } = [];

    /// <summary>Looks at the file's name before its first byte is read; null: it is taken.</summary>
    public Func<FilePart, Problem?> Admit { get; init; } = static _ => null;

    /// <summary>Looks at the whole form before anything is committed, for the video that it becomes; null: it is taken.</summary>
    public Func<Guid, FormTexts, CancellationToken, Task<Problem?>> Accept { get; init; } = static (_, _, _) => Task.FromResult<Problem?>(null);

    /// <summary>How it says no.</summary>
    public Func<Problem, int?, IResult> Refuse { get; init; } = static (problem, retryAfterSeconds) => problem.ToResult(retryAfterSeconds: retryAfterSeconds);
}

/// <summary>A video from a multipart/form-data body: 201 only after the bytes are durable and the row is committed.</summary>
public sealed partial class FormUpload(
    SourceUpload upload, UploadStore uploads, IdempotencyStore keys, UploadGate gate, IOptions<UploadOptions> options, ILogger<FormUpload> logger)
{
    /// <summary>What a multipart body has beside the file: boundaries, part headers, a few form fields.</summary>
    private const long FormOverheadBytes = 1 << 20;

    /// <summary>Of a body that is refused, as much is still read: its sender then sees the answer.</summary>
    private const long RefusedBytes = 32 << 20;

    /// <summary>Kestrel counts chunked framing as body: 7 bytes for each chunk of 512, the smallest that is worth sending.</summary>
    private const int FramingShare = 64;

    /// <param name="routes">The dialects of the address, told apart by the field that holds the file; the first answers where there is none.</param>
    /// <param name="videoId">The id that the video is to have; null: a new one.</param>
    public async Task<IResult> ReceiveAsync(HttpContext context, Caller? caller, IReadOnlyList<FormRoute> routes, Guid? videoId, CancellationToken ct)
    {
        var (request, maxBytes) = (context.Request, options.Value.MaxBytes);
        var mostBytes = maxBytes + FormOverheadBytes; // bounds what is beside the file, too; the file itself is counted
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = mostBytes + (mostBytes / FramingShare) + RefusedBytes;
        if (!DigestHeader.TryParse(request.Headers["Content-Digest"], out var content) || !DigestHeader.TryParse(request.Headers["Repr-Digest"], out var representation))
        {
            return Problems.MalformedHeader.ToResult("Content-Digest and Repr-Digest are dictionaries of byte sequences (RFC 9530): sha-256=:BASE64:");
        }

        if (request.ContentLength > mostBytes)
        {
            return Problems.TooLarge.ToResult($"At most {maxBytes} bytes.");
        }

        if (!TryKey(request, caller, routes[0], out var key))
        {
            return Problems.MalformedHeader.ToResult(IdempotencyHeader.Rule);
        }

        using var place = gate.TryEnter();
        if (place is null)
        {
            return Problems.Unavailable.ToResult("This server takes no more uploads at the moment.", Problems.RetryAfterSeconds);
        }

        try
        {
            if (options.Value.BudgetBytes is var budget and > 0 && await uploads.StoredBytesAsync(ct) + (request.ContentLength ?? 0) > budget)
            {
                return Problems.InsufficientStorage.ToResult();
            }

            using UploadBody body = new(new LimitedStream(request.Body, mostBytes), content, representation);
            var (route, outcome) = await ReadAsync(request, caller?.UserId, body, key, routes, videoId ?? Guid.CreateVersion7(), ct);
            return outcome.Problem is not { } problem ? await route.Answer(outcome.VideoId, ct)
                : route.Refuse(problem, problem == Problems.IdempotencyInFlight || problem == Problems.Unavailable ? Problems.RetryAfterSeconds : null);
        }
        catch (BodyException exception)
        {
            return exception.Problem.ToResult(exception.Problem == Problems.TooLarge ? $"At most {maxBytes} bytes." : exception.Message);
        }
        catch (Exception exception) when (exception is IOException || Outages.IsOutage(exception) || (exception is OperationCanceledException && !ct.IsCancellationRequested))
        {
            Log.StorageFailed(logger, exception);
            return routes[0].StorageFailure.ToResult(retryAfterSeconds: Problems.RetryAfterSeconds);
        }
    }

    private async Task<(FormRoute Route, UploadOutcome Outcome)> ReadAsync(
        HttpRequest request, Guid? ownerId, UploadBody body, IdempotencyKey? key, IReadOnlyList<FormRoute> routes, Guid videoId, CancellationToken ct)
    {
        FormTexts texts = new([.. routes.SelectMany(each => each.Texts)]);
        if (FilePart.ReaderOf(request, body.Stream) is not { } reader
            || await BodyException.GuardAsync(() => FilePart.FindAsync(reader, [.. routes.Select(each => each.Field)], texts, ct)) is not { } file)
        {
            return (routes[0], UploadOutcome.Refused(routes[0].NoFile));
        }

        var route = routes.Single(each => each.Field == file.Field);
        return (route, route.Admit(file) is { } problem ? UploadOutcome.Refused(problem) : await ReadAsync(request, ownerId, body, key, route, new(reader, file, texts), videoId, ct));
    }

    private async Task<UploadOutcome> ReadAsync(HttpRequest request, Guid? ownerId, UploadBody body, IdempotencyKey? key, FormRoute route, OpenForm form, Guid videoId, CancellationToken ct)
    {
        var file = form.File;
        var sha512 = body.WantsSha512 || file.Digest.Sha512 is not null;
        async Task<Problem?> Accept(RunningDigest digest, CancellationToken token)
        {
            await BodyException.GuardAsync(async () =>
            {
                await body.DrainAsync(form.Reader, form.Texts, token);
                return true;
            });
            return digest.Matches(file.Digest) && body.Accepts(digest) ? await route.Accept(videoId, form.Texts, token) : Problems.DigestMismatch;
        }

        if (key is null)
        {
            return await RunAsync(null);
        }

        var held = await keys.TakeAsync(key.Scope, key.Key, videoId, ct);
        return held.Outcome switch
        {
            KeyOutcome.InFlight => UploadOutcome.Refused(Problems.IdempotencyInFlight),
            KeyOutcome.Answered => await RepeatAsync(held, file, Accept, sha512, ct),
            _ => await FirstAsync(key, videoId, () => RunAsync(key)),
        };

        async Task<UploadOutcome> RunAsync(IdempotencyKey? held)
        {
            var outcome = await upload.RunAsync(videoId, ownerId, file, Accept, held, request.ContentLength, sha512, ct);
            return outcome.Problem == Problems.StorageFailure ? UploadOutcome.Refused(route.StorageFailure) : outcome;
        }
    }

    /// <summary>A form that is read up to its file's first byte.</summary>
    private sealed record OpenForm(Microsoft.AspNetCore.WebUtilities.MultipartReader Reader, FilePart File, FormTexts Texts);

    private async Task<UploadOutcome> FirstAsync(IdempotencyKey key, Guid videoId, Func<Task<UploadOutcome>> run)
    {
        var accepted = false;
        try
        {
            var outcome = await run();
            accepted = outcome.Problem is null;
            return outcome;
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
    private async Task<UploadOutcome> RepeatAsync(KeyResult held, FilePart file, Func<RunningDigest, CancellationToken, Task<Problem?>> accept, bool sha512, CancellationToken ct)
    {
        using RunningDigest digest = new(sha512);
        var buffer = GC.AllocateUninitializedArray<byte>(1 << 16);
        for (int read; (read = await file.Body.ReadAsync(buffer, ct)) > 0;)
        {
            digest.Append(buffer.AsSpan(0, read));
            if (digest.Bytes > options.Value.MaxBytes)
            {
                return UploadOutcome.Refused(Problems.TooLarge);
            }
        }

        return await accept(digest, ct) is { } problem ? UploadOutcome.Refused(problem)
            : digest.Sha256().AsSpan().SequenceEqual(held.Sha256) ? new(held.VideoId, null)
            : UploadOutcome.Refused(Problems.IdempotencyReused);
    }

    /// <summary>A key is its sender's own, at one route: two accounts may use the same.</summary>
    private static bool TryKey(HttpRequest request, Caller? caller, FormRoute route, out IdempotencyKey? key)
    {
        key = null;
        if (!IdempotencyHeader.TryRead(request, out var text))
        {
            return false;
        }

        key = text is null ? null : new($"{caller?.UserId.ToString() ?? "anonymous"} {route.Scope}", text);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "An upload could not be stored")]
        public static partial void StorageFailed(ILogger logger, Exception exception);
    }
}
