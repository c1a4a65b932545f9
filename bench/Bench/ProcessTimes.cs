using System.Globalization;

namespace Bench;

/// <summary>CPU seconds.</summary>
public sealed record Cpu(double Own, double Children)
{
    public double Total => Own + Children;

    public static Cpu operator +(Cpu left, Cpu right) => new(left.Own + right.Own, left.Children + right.Children);

    public static Cpu operator -(Cpu left, Cpu right) => new(left.Own - right.Own, left.Children - right.Children);
}

/// <summary>What /proc says of a process.</summary>
public static class ProcessTimes
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux

    /// <summary>CPU seconds of the process, and of all children that it has waited for.</summary>
    public static Cpu CpuSeconds(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        // Behind the name, which may hold anything; utime, stime, cutime and cstime are fields 14 to 17 of the line.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        double Seconds(Range range) => fields[range].Sum(field => double.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond;
        return new(Seconds(11..13), Seconds(13..15));
    }

    /// <summary>A line of /proc/PID/status in bytes: VmRSS now, VmHWM at most so far.</summary>
    public static long Bytes(int pid, string line) =>
        1024 * long.Parse(File.ReadLines($"/proc/{pid}/status").First(each => each.StartsWith(line + ":", StringComparison.Ordinal)).Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
