using System.Text.Json;
using Xunit;

namespace Storage.Tests.Nodes.Http;

/// <summary>What an answer must be.</summary>
internal static class Answers
{
    public static string Header(this HttpResponseMessage answer, string name) =>
        answer.Headers.NonValidated.TryGetValues(name, out var values) || answer.Content.Headers.NonValidated.TryGetValues(name, out values) ? values.ToString() : "(none)";

    public static async Task<string> DetailAsync(this HttpResponseMessage answer)
    {
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal("detail", Assert.Single(body.RootElement.EnumerateObject()).Name);
        return body.RootElement.GetProperty("detail").GetString()!;
    }

    public static void HasStatus(this HttpResponseMessage answer, int status) => Assert.Equal(status, (int)answer.StatusCode);
}
