using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Processing.Worker.Media.Planning;

/// <summary>What ffprobe prints for <c>-show_format -show_streams -of json</c>, as far as it is used.</summary>
internal sealed record ProbeOutput(ProbeFormat? Format, IReadOnlyList<ProbeStream>? Streams);

internal sealed record ProbeFormat(string FormatName, int ProbeScore, string? Duration, string? StartTime)
{
    /// <summary>The name that <c>-f</c> takes.</summary>
    public string Demuxer => FormatName.Split(',')[0];

    public double DurationSeconds => Seconds(Duration);

    public double StartSeconds => Seconds(StartTime);

    private static double Seconds(string? text) => double.TryParse(text, CultureInfo.InvariantCulture, out var seconds) ? seconds : 0;
}

internal sealed record ProbeStream
{
    public required int Index { get; init; }
    public string? CodecType { get; init; }
    public string? CodecName { get; init; }
    public string? Profile { get; init; }
    public string? PixFmt { get; init; }
    public int Width { get; init; }
    public int Height { get; init; }
    public string? SampleAspectRatio { get; init; }
    public string? FieldOrder { get; init; }
    public string? ColorRange { get; init; }
    public string? ColorSpace { get; init; }
    public string? ColorTransfer { get; init; }
    public string? ColorPrimaries { get; init; }
    public string? TimeBase { get; init; }

    /// <summary>The lowest rate that has all of its timestamps.</summary>
    [JsonPropertyName("r_frame_rate")]
    public string? BaseFrameRate { get; init; }

    [JsonPropertyName("avg_frame_rate")]
    public string? AverageFrameRate { get; init; }

    public string? StartTime { get; init; }
    public int Channels { get; init; }
    public string? SampleRate { get; init; }
    public Dictionary<string, int>? Disposition { get; init; }
    public Dictionary<string, string>? Tags { get; init; }
    public IReadOnlyList<ProbeSideData>? SideDataList { get; init; }

    public bool IsVideo => CodecType == "video" && Disposition?.GetValueOrDefault("attached_pic") != 1 && CodecName is not null && Width > 0 && Height > 0;

    public bool IsAudio => CodecType == "audio" && CodecName is not null && Channels > 0;

    public bool IsInterlaced => FieldOrder is "tt" or "bb" or "tb" or "bt";

    /// <summary>Degrees clockwise, a multiple of 90.</summary>
    public int Rotation =>
        SideDataList?.FirstOrDefault(data => data.Rotation is not null)?.Rotation is { } counterClockwise
            ? (((int)Math.Round(-counterClockwise / 90.0) % 4) + 4) % 4 * 90
            : 0;

    public TimeBase Base => Planning.TimeBase.Parse(TimeBase ?? "1/90000");

    public string? Tag(string name) => Tags?.GetValueOrDefault(name);
}

internal sealed record ProbeSideData(double? Rotation);

/// <summary>Seconds in a unit of a stream's timestamps.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TimeBase(long Numerator, long Denominator)
{
    public static TimeBase Parse(string text)
    {
        var parts = text.Split('/');
        return new TimeBase(long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    /// <summary>Ticks of 1/90000 s, rounded to nearest and halves away from zero, as ffmpeg's settb rounds.</summary>
    public long ToTicks(long timestamp)
    {
        var doubled = (Int128)Math.Abs(timestamp) * Numerator * VideoPlan.Timescale * 2;
        var ticks = (long)((doubled + Denominator) / (2 * (Int128)Denominator));
        return timestamp < 0 ? -ticks : ticks;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(ProbeOutput))]
internal sealed partial class ProbeJson : JsonSerializerContext
{
    public static ProbeOutput Parse(string json) => JsonSerializer.Deserialize(json, Default.ProbeOutput) ?? new ProbeOutput(null, null);
}
