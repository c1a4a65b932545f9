namespace LocalHosting.Programs;

internal static class EmbeddedText
{
    public static async Task<string> ReadAsync(string name, CancellationToken ct)
    {
        await using var stream = typeof(EmbeddedText).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not embedded.");
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(ct);
    }
}
