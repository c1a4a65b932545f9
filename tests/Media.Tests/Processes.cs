using System.Diagnostics;
using Processing.Worker.Media;
using Processing.Worker.Media.Ffmpeg;

namespace Media.Tests;

public sealed class Processes
{
    private static FfmpegCommand Endless(string workDir, TimeSpan stall, TimeSpan total) => new()
    {
        Tool = "ffmpeg",
        Arguments = [.. FfmpegArguments.Quiet, "-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25", "-f", "null", "-"],
        WorkDir = workDir,
        StallTimeout = stall,
        TotalTimeout = total,
        OnLine = new FfmpegProgress("frame", 0, 0, null).Accept,
    };

    [Fact]
    public async Task Cancelling_ends_the_process_and_leaves_none()
    {
        var workDir = FfmpegRunner.CreateWorkDir(Sources.NewFolder("process"));
        using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Pipeline.Ffmpeg.RunAsync(Endless(workDir, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1)), cancel.Token));
        Assert.DoesNotContain(Process.GetProcessesByName("ffmpeg"), process => WorkingDirectoryOf(process) == workDir);
    }

    [Fact]
    public async Task A_process_that_takes_too_long_is_ended()
    {
        var workDir = FfmpegRunner.CreateWorkDir(Sources.NewFolder("process"));
        var failure = await Assert.ThrowsAsync<MediaFailureException>(
            () => Pipeline.Ffmpeg.RunAsync(Endless(workDir, TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(2)), CancellationToken.None));
        Assert.Equal(MediaFailureCategory.Timeout, failure.Failure.Category);
        Assert.False(failure.Failure.IsPermanent);
    }

    [Fact]
    public async Task A_process_that_makes_no_progress_is_ended()
    {
        var workDir = FfmpegRunner.CreateWorkDir(Sources.NewFolder("process"));
        var silent = Endless(workDir, TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1)) with { OnLine = _ => false };
        var failure = await Assert.ThrowsAsync<MediaFailureException>(() => Pipeline.Ffmpeg.RunAsync(silent, CancellationToken.None));
        Assert.Contains("no progress", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(137, "", MediaFailureCategory.Resources)]
    [InlineData(139, "", MediaFailureCategory.Crash)]
    [InlineData(1, "x: No space left on device", MediaFailureCategory.Storage)]
    [InlineData(1, "x: Cannot allocate memory", MediaFailureCategory.Resources)]
    [InlineData(1, "x: Invalid data found when processing input", MediaFailureCategory.Media)]
    [InlineData(1, "moov atom not found", MediaFailureCategory.Media)]
    [InlineData(1, "who knows", MediaFailureCategory.Unknown)]
    public void A_failure_is_told_by_how_the_process_ended(int exitCode, string messages, MediaFailureCategory category) =>
        Assert.Equal(category, FfmpegFailures.Classify(exitCode, messages).Category);

    [Fact]
    public void The_death_signal_is_set_by_the_last_wrapper_together_with_the_change_of_user()
    {
        var command = new FfmpegSandbox(true, ["--net"], true, true).Wrap(["ffmpeg", "-i", "x"], 10, 20, dropUser: true);
        Assert.Equal(["ffmpeg", "-i", "x"], command.TakeLast(3));
        var setpriv = command.ToList().IndexOf("setpriv");
        Assert.True(setpriv > command.ToList().IndexOf("unshare"));
        Assert.Contains("--pdeathsig", command.Skip(setpriv));
        Assert.Contains("--reuid", command.Skip(setpriv));
    }

    /// <summary>What the whole wrapping amounts to, as the process itself sees it.</summary>
    [Fact]
    public async Task The_process_has_no_network_no_secrets_and_no_rights()
    {
        var seen = new List<string>();
        var command = new FfmpegCommand
        {
            Tool = "sh",
            Arguments = ["-c", "id -u; cat /proc/net/dev; env; cat /proc/self/status"],
            WorkDir = FfmpegRunner.CreateWorkDir(Sources.NewFolder("process")),
            StallTimeout = TimeSpan.FromSeconds(10),
            TotalTimeout = TimeSpan.FromSeconds(10),
            OnLine = line =>
            {
                seen.Add(line);
                return true;
            },
        };
        Environment.SetEnvironmentVariable("MEDIA_TESTS_SECRET", "hidden");
        await Pipeline.Ffmpeg.RunAsync(command, CancellationToken.None);
        // Started without root there is nothing to drop: ffmpeg stays the caller, and cannot gain rights either.
        if (Environment.IsPrivilegedProcess)
        {
            Assert.Equal("65534", seen[0]);
            Assert.Contains("CapBnd:\t0000000000000000", seen);
        }
        Assert.DoesNotContain(seen, line => line.Contains("eth", StringComparison.Ordinal) || line.Contains("hidden", StringComparison.Ordinal));
        Assert.Contains("NoNewPrivs:\t1", seen);
    }

    /// <summary>Null where the process has just ended.</summary>
    private static string? WorkingDirectoryOf(Process process)
    {
        try
        {
            return Directory.ResolveLinkTarget($"/proc/{process.Id}/cwd", returnFinalTarget: false)?.FullName;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }
}
