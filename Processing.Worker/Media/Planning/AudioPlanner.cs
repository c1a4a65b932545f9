using System.Text.RegularExpressions;

namespace Processing.Worker.Media.Planning;

/// <summary>One AAC rendition for each audio track of the source.</summary>
internal static partial class AudioPlanner
{
    /// <summary>ISO 639-2 codes that containers carry, the shorter code that RFC 5646 asks for, and the name for menus.</summary>
    private static readonly Dictionary<string, (string Tag, string Name)> Languages = new(StringComparer.OrdinalIgnoreCase)
    {
        ["eng"] = ("en", "English"), ["deu"] = ("de", "Deutsch"), ["ger"] = ("de", "Deutsch"), ["fra"] = ("fr", "Français"), ["fre"] = ("fr", "Français"),
        ["spa"] = ("es", "Español"), ["ita"] = ("it", "Italiano"), ["por"] = ("pt", "Português"), ["nld"] = ("nl", "Nederlands"), ["dut"] = ("nl", "Nederlands"),
        ["rus"] = ("ru", "Русский"), ["ukr"] = ("uk", "Українська"), ["pol"] = ("pl", "Polski"), ["ces"] = ("cs", "Čeština"), ["cze"] = ("cs", "Čeština"),
        ["swe"] = ("sv", "Svenska"), ["nor"] = ("no", "Norsk"), ["dan"] = ("da", "Dansk"), ["fin"] = ("fi", "Suomi"), ["ell"] = ("el", "Ελληνικά"),
        ["gre"] = ("el", "Ελληνικά"), ["hun"] = ("hu", "Magyar"), ["ron"] = ("ro", "Română"), ["rum"] = ("ro", "Română"), ["tur"] = ("tr", "Türkçe"),
        ["ara"] = ("ar", "العربية"), ["heb"] = ("he", "עברית"), ["hin"] = ("hi", "हिन्दी"), ["jpn"] = ("ja", "日本語"), ["kor"] = ("ko", "한국어"),
        ["zho"] = ("zh", "中文"), ["chi"] = ("zh", "中文"), ["vie"] = ("vi", "Tiếng Việt"), ["tha"] = ("th", "ไทย"), ["ind"] = ("id", "Bahasa Indonesia"),
    };

    public static IReadOnlyList<AudioTrackPlan> Plan(IReadOnlyList<ProbeStream> streams, SourceIndex index, long originTicks, MediaSettings settings)
    {
        var tracks = streams.Where(stream => stream.IsAudio && index.Streams[stream.Index].Count > 0).Take(settings.MaxAudioTracks).ToList();
        var preferred = tracks.FirstOrDefault(stream => stream.Disposition?.GetValueOrDefault("default") == 1) ?? tracks.FirstOrDefault();
        var labels = new HashSet<string>(StringComparer.Ordinal);
        return [.. tracks.OrderBy(stream => stream != preferred).Select((stream, i) =>
        {
            var channels = stream.Channels == 1 ? 1 : 2;
            var times = index.Streams[stream.Index];
            return new AudioTrackPlan(
                stream.Index, $"audio-{i + 1}", LanguageOf(stream), LabelOf(stream, i + 1, labels), stream == preferred, channels,
                stream.SampleRate is "44100" or "22050" or "11025" ? 44_100 : 48_000, channels == 1 ? settings.AudioKbps / 2 : settings.AudioKbps,
                Seconds(times.Start - originTicks), Seconds(times.End - originTicks));
        })];
    }

    private static double Seconds(long ticks) => ticks / (double)VideoPlan.Timescale;

    private static string LanguageOf(ProbeStream stream)
    {
        var code = stream.Tag("language") ?? "";
        if (Languages.TryGetValue(code, out var known))
            return known.Tag;
        return LanguageTag().IsMatch(code) ? code.ToLowerInvariant() : "und";
    }

    /// <summary>The title, else the language, else a number; unique, because HLS requires different names in a group.</summary>
    private static string LabelOf(ProbeStream stream, int number, HashSet<string> taken)
    {
        var title = Unprintable().Replace(stream.Tag("title") ?? "", "").Replace('"', '\'').Trim();
        var label = title.Length > 0 ? title[..Math.Min(title.Length, 80)]
            : Languages.TryGetValue(stream.Tag("language") ?? "", out var known) ? known.Name
            : $"Audio {number}";
        return taken.Add(label) ? label : $"{label} ({number})";
    }

    [GeneratedRegex("^(?!und$)[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LanguageTag();

    [GeneratedRegex(@"[\p{Cc}\p{Cf}\p{Co}\p{Cs}]", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Unprintable();
}
