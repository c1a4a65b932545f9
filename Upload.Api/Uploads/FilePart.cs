using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Upload.Api.Uploads;

/// <summary>The file of a multipart/form-data body, found without buffering the body.</summary>
/// <param name="Body">Ends where the part ends; throws <see cref="BodyException"/> where the body breaks off.</param>
/// <param name="Field">The form's field that it is.</param>
/// <param name="FileName">For display only: never used as a path.</param>
/// <param name="Digest">What the part's own headers promise.</param>
public sealed record FilePart(Stream Body, string Field, string? FileName, DigestHeader Digest)
{
    /// <summary>RFC 2046 allows 70 characters; some clients take a few more.</summary>
    private const int BoundaryChars = 200;

    private const int HeaderCount = 16;
    private const int HeaderBytes = 16 * 1024;

    /// <summary>Parts before the file: form fields of a browser. More is not a form.</summary>
    private const int PartsBefore = 32;

    /// <summary>The reader at the body's start, or null where the request is no multipart/form-data.</summary>
    public static MultipartReader? ReaderOf(HttpRequest request, Stream body)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= BoundaryChars } boundary)
        {
            return null;
        }

        return new(boundary, body, bufferSize: 64 * 1024) { HeadersCountLimit = HeaderCount, HeadersLengthLimit = HeaderBytes };
    }

    /// <summary>The first part with one of these names, or null where there is none.</summary>
    /// <param name="texts">Takes the parts before it.</param>
    /// <exception cref="InvalidDataException">The part's digest header cannot be read, or there are too many parts.</exception>
    public static async ValueTask<FilePart?> FindAsync(MultipartReader reader, IReadOnlyCollection<string> fields, FormTexts texts, CancellationToken ct)
    {
        for (var i = 0; i < PartsBefore; i++)
        {
            if (await reader.ReadNextSectionAsync(ct) is not { } section)
            {
                return null;
            }

            var (name, fileName) = NamesOf(section);
            if (name is not null && fields.Contains(name))
            {
                if (!DigestHeader.TryParse(section.Headers?.GetValueOrDefault("Content-Digest").ToString(), out var digest)
                    || !DigestHeader.TryParse(section.Headers?.GetValueOrDefault("Repr-Digest").ToString(), out var representation))
                {
                    throw new InvalidDataException("The part's Content-Digest is no dictionary of byte sequences (RFC 9530).");
                }

                return new(new PartStream(section.Body), name, FileNames.Clean(fileName), digest.IsEmpty ? representation : digest);
            }

            await texts.TakeAsync(name, section, ct);
        }

        throw new InvalidDataException($"More than {PartsBefore} parts before the file.");
    }

    internal static (string? Name, string? FileName) NamesOf(MultipartSection section)
    {
        try
        {
            return ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)
                ? (HeaderUtilities.RemoveQuotes(disposition.Name).Value, disposition.FileNameStar.HasValue ? disposition.FileNameStar.Value : HeaderUtilities.RemoveQuotes(disposition.FileName).Value)
                : default;
        }
        catch (NotSupportedException exception)
        {
            throw new InvalidDataException("A part's names are in a character set that is not supported.", exception); // UTF-7
        }
    }
}
