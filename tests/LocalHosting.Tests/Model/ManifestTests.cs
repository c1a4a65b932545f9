using System.Text.Json;
using System.Text.RegularExpressions;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using LocalHosting.Publishing;
using Xunit;

namespace LocalHosting.Tests.Model;

public sealed partial class ManifestTests
{
    [Fact]
    public async Task The_manifest_of_the_golden_model_is_Aspires_to_the_letter()
    {
        var builder = Models.Create("--publisher", "manifest", "--output-path", "unused.json");
        GoldenModel.Add(builder);
        var manifest = System.Text.Encoding.UTF8.GetString(ManifestPublisher.Write(builder.Local(), GoldenModel.Root));
        // The golden manifest's AppHost was called "AppHost"; the ten digits are a hash of where or what it is.
        var written = VolumeName().Replace(manifest, "\"apphost-HASH-");
        Assert.Equal((await File.ReadAllTextAsync(Path.Combine(GoldenModel.Root, "aspire-manifest.json"), TestContext.Current.CancellationToken)).TrimEnd(), written);
    }

    [Fact]
    public async Task Publishing_writes_the_file_and_ends()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "out", "manifest.json");
        var builder = Models.Create("--publisher", "manifest", "--output-path", file);
        builder.AddParameter("secret-value", secret: true);
        await builder.Build().RunAsync(TestContext.Current.CancellationToken);
        Assert.Contains("{secret-value.inputs.value}", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    /// <summary>As the manifest's rules have it; the golden model knows only http.</summary>
    [Fact]
    public void An_endpoint_of_another_scheme_is_a_binding_over_tcp()
    {
        var builder = Models.Create("--publisher", "manifest", "--output-path", "unused.json");
        var ingest = builder.AddContainer("ingest", "alfg/nginx-rtmp").WithEndpoint(port: 1935, targetPort: 1935, scheme: "rtmp", name: "rtmp", isExternal: true);
        builder.AddContainer("reader", "nginx").WithEnvironment("INGEST", ReferenceExpression.Create($"{ingest.GetEndpoint("rtmp")}/live"));
        using var manifest = JsonDocument.Parse(ManifestPublisher.Write(builder.Local(), GoldenModel.Root));
        var resources = manifest.RootElement.GetProperty("resources");
        Assert.Equal(
            """{"scheme":"rtmp","protocol":"tcp","transport":"tcp","targetPort":1935,"external":true}""",
            JsonSerializer.Serialize(resources.GetProperty("ingest").GetProperty("bindings").GetProperty("rtmp")));
        Assert.Equal("{ingest.bindings.rtmp.url}/live", resources.GetProperty("reader").GetProperty("env").GetProperty("INGEST").GetString());
    }

    [GeneratedRegex("\"localhosting\\.tests-[0-9a-f]{10}-", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VolumeName();
}
