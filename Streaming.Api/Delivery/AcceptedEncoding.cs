namespace Streaming.Api.Delivery;

/// <summary>Which precompressed form a client takes (RFC 9110, 12.5.3): Brotli before gzip before plain.</summary>
public static class AcceptedEncoding
{
    /// <returns>True for brotli and gzip where the header names them, or <c>*</c>, without a quality of 0.</returns>
    public static (bool Brotli, bool Gzip) Parse(ReadOnlySpan<char> header)
    {
        bool? brotli = null, gzip = null;
        var any = false;
        foreach (var piece in header.Split(','))
        {
            var coding = header[piece].Trim(" \t");
            var parameters = coding.IndexOf(';');
            var name = (parameters < 0 ? coding : coding[..parameters]).TrimEnd(" \t");
            var accepted = parameters < 0 || !IsZero(coding[(parameters + 1)..].Trim(" \t"));
            if (name.Equals("br", StringComparison.OrdinalIgnoreCase))
            {
                brotli = accepted;
            }
            else if (name.Equals("gzip", StringComparison.OrdinalIgnoreCase) || name.Equals("x-gzip", StringComparison.OrdinalIgnoreCase))
            {
                gzip = accepted;
            }
            else if (name is "*")
            {
                any = accepted;
            }
        }

        return (brotli ?? any, gzip ?? any);
    }

    private static bool IsZero(ReadOnlySpan<char> quality) =>
        quality.StartsWith("q=0", StringComparison.OrdinalIgnoreCase) && !quality[3..].ContainsAnyExcept(".0");
}
