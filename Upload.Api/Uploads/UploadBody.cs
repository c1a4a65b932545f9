using Microsoft.AspNetCore.WebUtilities;

namespace Upload.Api.Uploads;

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
    public async Task DrainAsync(MultipartReader reader, FormTexts texts, CancellationToken ct)
    {
        while (await reader.ReadNextSectionAsync(ct) is { } section)
        {
            await texts.TakeAsync(FilePart.NamesOf(section).Name, section, ct);
        }

        await Stream.CopyToAsync(Stream.Null, ct);
    }

    public void Dispose() => _whole?.Dispose();
}
