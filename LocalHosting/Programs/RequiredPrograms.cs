using Aspire.Hosting;

namespace LocalHosting.Programs;

internal static class RequiredPrograms
{
    /// <summary>Before anything starts: says everything that is missing at once, and the one command that brings it.</summary>
    public static void Check(IEnumerable<RequiredFile> required, Func<string, bool>? exists = null)
    {
        var missing = required.Where(r => !(exists ?? File.Exists)(r.Path)).ToList();
        if (missing.Count == 0)
            return;
        var lines = missing.Select(m => $"  {m.Path} (package {m.Package})");
        var packages = missing.Select(m => m.Package).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        throw new DistributedApplicationException(
            $"Programs that the application needs are not installed:\n{string.Join('\n', lines)}\nInstall them with: sudo apt-get install --no-install-recommends {string.Join(' ', packages)}");
    }
}
