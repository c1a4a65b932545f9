using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Lifecycle.Tests.BadInput;

/// <summary>A request that somebody might send by mistake or on purpose.</summary>
/// <param name="Path">Escaped, with the query.</param>
/// <param name="Body">Null: none. One character a byte.</param>
internal sealed record BadRequest(string Method, string Path, string? ContentType, string? Body, (string Name, string Value)[] Headers)
{
    public override string ToString() =>
        $"{Method} {Path}\n{string.Join('\n', Headers.Select(header => $"{header.Name}: {header.Value}"))}\nContent-Type: {ContentType}\n\n{Body}";

    /// <summary>Smaller ones, of which one may fail alike: without a header, without the query, without a body or with half of it.</summary>
    public static IEnumerable<BadRequest> Shrink(BadRequest request)
    {
        for (var i = 0; i < request.Headers.Length; i++)
        {
            yield return request with { Headers = [.. request.Headers.Where((_, index) => index != i)] };
        }

        if (request.Path.Contains('?', StringComparison.Ordinal))
        {
            yield return request with { Path = request.Path.Split('?')[0] };
        }

        if (request.Body is { Length: > 0 } body)
        {
            yield return request with { Body = null, ContentType = null };
            yield return request with { Body = body[..(body.Length / 2)] };
        }
    }

    /// <param name="method">The route's.</param>
    /// <param name="template">The route's, with {names}.</param>
    /// <param name="known">What really exists, by the names in templates.</param>
    public static Arbitrary<BadRequest> Of(string method, string template, IReadOnlyDictionary<string, string> known)
    {
        var path = template.Split('/').Aggregate(Gen.Constant(""), (before, segment) => segment is ['{', .., '}']
            ? before.SelectMany(head => Ids(known.GetValueOrDefault(segment[1..^1])).Select(id => $"{head}/{id}"))
            : before.Select(head => head.Length == 0 && segment.Length == 0 ? head : $"{head}/{segment}"));
        var carriesBody = method is not ("GET" or "HEAD" or "OPTIONS");
        return Arb.From(
            from address in path
            from query in Gen.Frequency((3, Gen.Constant("")), (1, Query))
            from content in carriesBody ? Gen.Frequency((1, Gen.Constant<(string? Type, string? Body)>((null, null))), (6, Content)) : Gen.Constant<(string? Type, string? Body)>((null, null))
            from headers in Gen.Frequency((2, Gen.Constant<(string, string)[]>([])), (3, HeaderFields))
            select new BadRequest(method, address + query, content.Type, content.Body, headers), Shrink);
    }

    private static readonly string[] _fields =
    [
        "email", "password", "old_password", "new_password", "name", "role", "tier", "daily_quota", "filename", "total_size", "resolution", "output_format", "codec", "bitrate", "preset", "priority",
        "depends_on", "url", "events", "secret", "is_active", "job_started",
    ];

    private static readonly string[] _headers =
    [
        "Idempotency-Key", "Content-Digest", "Repr-Digest", "Content-MD5", "Range", "If-Range", "If-Match", "If-None-Match", "Accept", "Authorization", "X-API-Key", "X-Forwarded-For", "traceparent",
        "Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Checksum", "Upload-Concat", "Upload-Defer-Length", "Cookie", "Expect", "Upgrade", "X-HTTP-Method-Override",
    ];

    /// <summary>Text that parsers, databases and consoles stumble over.</summary>
    private static readonly Gen<string> _text = Gen.OneOf(
        Gen.Elements(
            "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\ufffd", "\uffff", "\u202e", "😀", "'", "\"", "'; drop table users; --", "{{7*7}}", "${jndi:ldap://x}", "%00", "../../etc/passwd", "<script>", "\r\nX: y",
            "null", "true", "NaN", "-1", "0", "1e400", "99999999999999999999", "9223372036854775808", "2147483648", "a@example.com", "admin", "user", "default", "active", new string('a', 10_000)),
        Gen.ArrayOf(Gen.Choose(0, 0xffff).Select(code => (char)code)).Select(letters => new string(letters)),
        Gen.ArrayOf(Gen.Choose(' ', '~').Select(code => (char)code)).Select(letters => new string(letters)));

    private static Gen<string> Json(int depth)
    {
        var leaf = Gen.OneOf(
            Gen.Elements("null", "true", "false", "0", "-1", "1.5", "1e400", "-0", "100", "2147483648", "99999999999999999999", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}"),
            _text.Select(text => System.Text.Json.JsonSerializer.Serialize(Escapable(text))));
        if (depth == 0)
        {
            return leaf;
        }

        var member = from field in Gen.Frequency((8, Gen.Elements(_fields)), (1, _text.Select(Escapable)))
                     from value in Json(depth - 1)
                     select $"{System.Text.Json.JsonSerializer.Serialize(field)}:{value}";
        return Gen.Frequency(
            (2, leaf),
            (1, Gen.ListOf(Json(depth - 1), 3).Select(items => $"[{string.Join(',', items)}]")),
            (5, Gen.Choose(0, 8).SelectMany(count => Gen.ListOf(member, count)).Select(members => $"{{{string.Join(',', members)}}}")));
    }

    private static Gen<(string? Type, string? Body)> Content => Gen.Frequency(
        (8, Json(3).Select(body => ((string?)"application/json", (string?)Utf8(body)))),
        (1, from body in Json(2) from cut in Gen.Choose(0, 20) select ((string?)"application/json", (string?)Utf8(body)[..Math.Min(cut, Utf8(body).Length)])),
        (1, Gen.ArrayOf(Gen.Choose(0, 255).Select(code => (char)code)).Select(bytes => ((string?)"application/json", (string?)new string(bytes)))),
        (1, Gen.Constant<(string?, string?)>(("application/json", new string('[', 2000)))),
        (1, from body in Json(1)
            from type in Gen.Elements<string?>(null, "text/plain", "application/json; charset=utf-16", "application/json; charset=nonsense", "application/json; charset=utf-7", "application/json; charset=\"\"", "application/xml", "multipart/form-data", "multipart/form-data; boundary=b", "x", "application/offset+octet-stream")
            select (type, (string?)Utf8(body))),
        (1, from name in Gen.Elements("file", "video", "other") from text in _text
            select ((string?)"multipart/form-data; boundary=b", (string?)Utf8($"--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{text}\"\r\n\r\n{text}\r\n--b--\r\n"))));

    private static Gen<string> Query => from name in Gen.Elements("limit", "after", "status", "state", "x", "")
                                        from value in _text
                                        select $"?{name}={Escape(value)}";

    private static Gen<(string, string)[]> HeaderFields =>
        Gen.ArrayOf(from name in Gen.Elements(_headers) from value in _text select (name, Field(value)), 2);

    private static Gen<string> Ids(string? known) => Gen.Frequency(
        (known is null ? 0 : 5, Gen.Constant(known ?? "")),
        (2, Gen.Fresh(() => $"{Guid.NewGuid()}")),
        (1, Gen.Fresh(() => $"{Guid.NewGuid():N}")),
        (1, Gen.Choose(int.MinValue, int.MaxValue).Select(number => number.ToString(CultureInfo.InvariantCulture))),
        (1, Gen.Elements("%", "%zz", "%00", "%2e%2e%2f", "%ff%fe", "~", "00000000-0000-0000-0000-000000000000", "{id}", "a;b", new string('9', 300)).Select(id => id.Replace("{", "%7B", StringComparison.Ordinal).Replace("}", "%7D", StringComparison.Ordinal))),
        (2, _text.Select(text => Escape(text) is { Length: > 0 } escaped && escaped.Trim('.').Length > 0 ? escaped : "x")));

    private static string Escape(string text) => Uri.EscapeDataString(Escapable(text[..Math.Min(text.Length, 500)]));

    /// <summary>Half surrogate pairs cannot be written as UTF-8; JSON has them as escapes, see the leaves.</summary>
    private static string Escapable(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static string Utf8(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>What a client library lets through: bytes of Latin-1 without line ends and NUL.</summary>
    private static string Field(string value) => new([.. value.Where(letter => letter is not ('\r' or '\n' or '\0') && letter <= 0xff).Take(4000)]);
}
