using System.Text.RegularExpressions;
using Testing;
using Upload.Api.OpenApi;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>The .http files hold requests that the service has; that the tables are the routes, <see cref="OpenApiTests"/> sees to.</summary>
public sealed partial class HttpFileTests
{
    [Fact]
    public void Every_request_of_the_http_files_names_a_route()
    {
        var routes = DocumentWriter.Features.SelectMany(feature => feature.Operations).Select(row => $"{row.Method} {row.Path}").ToHashSet(StringComparer.Ordinal);
        HashSet<string> told = new(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Repository.PathOf("docs/http"), "*.http").Where(file => Path.GetFileName(file) != "streams.http")) // Live.Api's, whose tests have it
        {
            var text = File.ReadAllText(file);
            foreach (Match line in Line().Matches(text))
            {
                var route = routes.SingleOrDefault(route => Matches(route, line.Groups["method"].Value, line.Groups["path"].Value));
                Assert.True(route is not null, $"{Path.GetFileName(file)}: {line.Value} is no route");
                told.Add(route);
            }

            // Whatever has a method has the form above, so that none escapes; each follows a title.
            Assert.Equal(Method().Count(text), Line().Count(text));
            Assert.True(Line().Count(text) > 2);
        }

        Assert.Empty(routes.Where(route => !route.StartsWith("HEAD ", StringComparison.Ordinal)).Except(told, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_variable_is_defined_in_its_file()
    {
        foreach (var file in Directory.EnumerateFiles(Repository.PathOf("docs/http"), "*.http"))
        {
            var text = File.ReadAllText(file);
            var defined = Definition().Matches(text).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
            Assert.All(Use().Matches(text), use => Assert.True(defined.Contains(use.Groups[1].Value), $"{Path.GetFileName(file)}: {use.Value}"));
        }
    }

    /// <summary>A variable stands for a parameter, a text for itself or a parameter; of two such routes the literal one is meant.</summary>
    private static bool Matches(string route, string method, string path)
    {
        var (wanted, given) = (route.Split(' ')[1].Split('/'), path.Split('/'));
        return route.StartsWith($"{method} ", StringComparison.Ordinal) && wanted.Length == given.Length
            && wanted.Zip(given).All(pair => pair.First == pair.Second || (pair.First.StartsWith('{') && (pair.Second.StartsWith("{{", StringComparison.Ordinal) || pair.First is "{partNumber}" or "{name}")));
    }

    [GeneratedRegex(@"^(?<method>[A-Z]+) \{\{host\}\}(?<path>/[^\s?]*)(\?\S*)?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Line();

    [GeneratedRegex("^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\\b", RegexOptions.Multiline, 1000)]
    private static partial Regex Method();

    [GeneratedRegex(@"^(?:@|# @name )(\w+)", RegexOptions.Multiline, 1000)]
    private static partial Regex Definition();

    [GeneratedRegex(@"\{\{(\w+)", RegexOptions.None, 1000)]
    private static partial Regex Use();
}
