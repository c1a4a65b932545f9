using System.Text.Json;
using System.Text.Json.Serialization;
using Aspire.Hosting;

namespace LocalHosting.Programs;

/// <summary>What a project's Properties/launchSettings.json says: the named profile, or the first that runs the project itself.</summary>
internal sealed partial record LaunchProfile(IReadOnlyList<Uri> ApplicationUrls, IReadOnlyDictionary<string, string> EnvironmentVariables)
{
    public static LaunchProfile Read(string projectPath, string? name)
    {
        var file = Path.Combine(Path.GetDirectoryName(projectPath)!, "Properties", "launchSettings.json");
        var profiles = File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllBytes(file), Json.Default.Settings)?.Profiles ?? [] : [];
        var profile = name is null ? profiles.Values.FirstOrDefault(p => p.CommandName == "Project") : profiles.GetValueOrDefault(name);
        if (name is not null && profile is null)
            throw new DistributedApplicationException($"{file} has no launch profile '{name}'.");
        var urls = (profile?.ApplicationUrl ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(u => new Uri(u));
        return new([.. urls], profile?.EnvironmentVariables ?? []);
    }

    private sealed record Settings(Dictionary<string, Profile>? Profiles);

    private sealed record Profile(string? CommandName, string? ApplicationUrl, Dictionary<string, string>? EnvironmentVariables);

    [JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true, ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true)]
    [JsonSerializable(typeof(Settings))]
    private sealed partial class Json : JsonSerializerContext;
}
