using Storage.Fabric;

namespace Storage.Metadata.Http;

/// <summary>The id of a video as it is kept: a uuid in lower case, or any other id that seed 002's pattern allows.</summary>
internal static class Ids
{
    /// <returns>Null: nothing can have this id.</returns>
    public static string? Video(string text) => Guid.TryParse(text, out var uuid) ? uuid.ToString("D") : ChunkNames.IsValid(text) ? text : null;
}
