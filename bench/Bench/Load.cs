using System.Globalization;

namespace Bench;

/// <summary>What wrk saw of one target in some seconds.</summary>
/// <param name="P50">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
public sealed record Load(double PerSecond, double P50, double P99)
{
    /// <param name="options">Further options of wrk.</param>
    /// <exception cref="InvalidOperationException">An answer was not 2xx, or a connection broke.</exception>
    public static async Task<Load> RunAsync(Session session, Uri target, int connections, int seconds, IEnumerable<string> options, CancellationToken ct)
    {
        var output = await Tool.RunAsync(session.Scratch, ["wrk", "--threads", "1", "--connections", $"{connections}", "--duration", $"{seconds}s", "--latency", .. options, target.AbsoluteUri], ct);
        return output.Contains("Non-2xx", StringComparison.Ordinal) || output.Contains("Socket errors", StringComparison.Ordinal)
            ? throw new InvalidOperationException($"{target}: {output}")
            : new(Number(output, "Requests/sec:"), Number(output, " 50%"), Number(output, " 99%"));
    }

    /// <summary>The word behind a label of wrk's output; times are written with us, ms or s, and are milliseconds here.</summary>
    private static double Number(string output, string label)
    {
        var word = output[(output.IndexOf(label, StringComparison.Ordinal) + label.Length)..].TrimStart().Split((char[])[' ', '\n'])[0];
        var scale = word.EndsWith("us", StringComparison.Ordinal) ? 0.001 : word.EndsWith('s') && !word.EndsWith("ms", StringComparison.Ordinal) ? 1000 : 1;
        return double.Parse(word.TrimEnd('u', 'm', 's'), CultureInfo.InvariantCulture) * scale;
    }
}
