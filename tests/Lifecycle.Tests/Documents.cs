using System.Text;
using System.Text.RegularExpressions;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Contracts.Webhooks;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>The documents say what the code says.</summary>
public sealed partial class Documents
{
    [Fact]
    public void Lifecycle_md_holds_the_tables_as_they_are()
    {
        var document = File.ReadAllText(Repository.PathOf("docs/lifecycle.md"));
        Assert.Contains(Render(VideoLifecycle.Table), document, StringComparison.Ordinal);
        Assert.Contains(Render(JobLifecycle.Table), document, StringComparison.Ordinal);
        Assert.Contains(Render(TaskLifecycle.Table), document, StringComparison.Ordinal);
        Assert.Contains(Render(DeliveryLifecycle.Table), document, StringComparison.Ordinal);
        Assert.Contains(Render(StreamLifecycle.Table), document, StringComparison.Ordinal);
        Assert.Contains(Render(ProvisionWorkflow.Table), document, StringComparison.Ordinal);
        Assert.Contains(Render(LiveSessionLifecycle.Table), document, StringComparison.Ordinal);
    }

    [Fact]
    public void Operations_md_lists_every_problem()
    {
        var document = File.ReadAllText(Repository.PathOf("docs/operations.md"));
        foreach (var problem in Problems.All.Values)
        {
            Assert.Contains($"| {problem.Status} | `{problem.Code}` | {problem.Title} |", document, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_relative_link_in_the_documents_leads_somewhere()
    {
        string[] documents = [Repository.PathOf("README.md"), .. Directory.EnumerateFiles(Repository.PathOf("docs"), "*.md", SearchOption.AllDirectories)];
        foreach (var document in documents)
        {
            foreach (Match link in Link().Matches(File.ReadAllText(document)))
            {
                var target = link.Groups[1].Value.Split('#')[0];
                var path = Path.Combine(Path.GetDirectoryName(document)!, target);
                Assert.True(target.Length == 0 || File.Exists(path) || Directory.Exists(path), $"{document} links to {target}");
            }
        }
    }

    private static string Render<TState, TTrigger>(StateTable<TState, TTrigger> table)
        where TState : struct, Enum
        where TTrigger : struct, Enum
    {
        StringBuilder text = new("| from | trigger | to | who | rescue if nobody does |\n|---|---|---|---|---|\n");
        foreach (var row in table.Transitions)
        {
            text.Append($"| {(row.From is { } from ? table.NameOf(from) : "-")} | {row.Trigger} | {table.NameOf(row.To)} | {row.Who} | {row.Rescue} |\n");
        }

        return text.ToString();
    }

    [GeneratedRegex(@"\]\((?!https?:|mailto:)([^)\s]+)\)", RegexOptions.None, 1000)]
    private static partial Regex Link();
}
