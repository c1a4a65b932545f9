using System.Collections.Frozen;
using Lifecycle.Contracts;
using Lifecycle.Store.Chunks;
using Upload.Api.Uploads;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Chunks;

/// <summary>Seed 002's uploader as a dialect of <c>POST /upload</c>: fields <c>video</c> and <c>title</c>. The video is processed as every other, and goes to the chunk store's nodes too.</summary>
public sealed class ChunkUploadForm
{
    private const string Title = "title";
    private const int TitleChars = 255;

    private static readonly FrozenSet<string> _extensions = ((string[])[".mp4", ".avi", ".mov", ".mkv", ".webm", ".flv"]).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly ChunkUploads _uploads;

    public ChunkUploadForm(ChunkUploads uploads)
    {
        _uploads = uploads;
        Route = new("POST /upload", "video", Problems.NoVideo, Problems.StorageFailure, AnswerAsync)
        {
            Texts = [Title],
            Admit = file => _extensions.Contains(Path.GetExtension(file.FileName ?? "")) ? null : Problems.UnsupportedFormat,
            Accept = AcceptAsync,
            Refuse = (problem, retryAfterSeconds) => problem.ToResult(problem.Title, retryAfterSeconds), // the seed's clients read the detail
        };
    }

    public FormRoute Route { get; }

    private async Task<Problem?> AcceptAsync(Guid videoId, FormTexts texts, CancellationToken ct)
    {
        if (texts.Find(Title) is not { Length: > 0 and <= TitleChars } title || title.Any(char.IsControl))
        {
            return Problems.NoTitle;
        }

        await _uploads.OpenAsync(Guid.NewGuid(), videoId, title, ct);
        return null;
    }

    private async Task<IResult> AnswerAsync(Guid videoId, CancellationToken ct) => await _uploads.FindByVideoAsync(videoId, ct) is { } upload
        ? TypedResults.Json(ChunkUploadAccepted.Of(upload), ChunkUploadJson.Default.ChunkUploadAccepted)
        : Problems.UnknownVideo.ToResult(); // deleted since the first request with this key
}
