using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Jobs;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Jobs;

/// <summary>A request that holds, with its defaults filled in.</summary>
public sealed record ValidTranscode(TranscodeConfig Config, int Priority, IReadOnlyCollection<Guid> DependsOn);

/// <summary>Reads a transcode request against the table of formats and what the workers have.</summary>
internal static class TranscodeValidation
{
    private const int MostDependencies = 100;

    /// <param name="request">Null: an empty body, everything by default.</param>
    /// <param name="encoders">What the pool's ffmpeg has; empty: not known yet, then every known codec passes.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ProblemResult? Read(TranscodeRequest? request, IReadOnlyList<string> encoders, out ValidTranscode valid)
    {
        valid = null!;
        var format = request?.OutputFormat ?? TranscodeFormats.DefaultFormat;
        if (!TranscodeFormats.Codecs.TryGetValue(format, out var known))
        {
            return Invalid("output_format", TranscodeFormats.Codecs.Keys);
        }

        string[] supported = encoders.Count == 0 ? known : [.. known.Where(encoders.Contains)];
        var codec = request?.Codec ?? supported.FirstOrDefault();
        if (codec is null || !supported.Contains(codec, StringComparer.Ordinal))
        {
            return Problems.InvalidField.ToResult($"codec for {format} is one of: {string.Join(", ", supported)}.");
        }

        if (request?.Resolution is { } resolution && !TranscodeFormats.Resolutions.ContainsKey(resolution))
        {
            return Invalid("resolution", TranscodeFormats.Resolutions.OrderByDescending(pair => pair.Value).Select(pair => pair.Key));
        }

        if (request?.Preset is { } preset && !TranscodeFormats.Presets.Contains(preset, StringComparer.Ordinal))
        {
            return Invalid("preset", TranscodeFormats.Presets);
        }

        var (least, most) = TranscodeFormats.Bitrates;
        if (request?.Bitrate is { } bitrate && (bitrate < least || bitrate > most))
        {
            return Problems.InvalidField.ToResult($"bitrate lies between {least} and {most} bit/s.");
        }

        var priority = request?.Priority ?? NewJob.UsualPriority;
        if (priority is < 0 or > 10)
        {
            return Problems.InvalidField.ToResult("priority lies between 0 and 10; 10 goes first.");
        }

        if (!TryIds(request?.DependsOn ?? request?.DependsOnCamelCase ?? [], out var dependsOn))
        {
            return Problems.InvalidField.ToResult($"depends_on is a list of at most {MostDependencies} job ids.");
        }

        valid = new(new(request?.Resolution, format, codec, request?.Bitrate, request?.Preset), priority, dependsOn);
        return null;
    }

    private static bool TryIds(IReadOnlyList<string?> texts, out HashSet<Guid> ids)
    {
        ids = [];
        if (texts.Count > MostDependencies)
        {
            return false;
        }

        foreach (var text in texts)
        {
            if (!Guid.TryParseExact(text, "D", out var id))
            {
                return false;
            }

            ids.Add(id);
        }

        return true;
    }

    private static ProblemResult Invalid(string field, IEnumerable<string> allowed) => Problems.InvalidField.ToResult($"{field} is one of: {string.Join(", ", allowed)}.");
}
