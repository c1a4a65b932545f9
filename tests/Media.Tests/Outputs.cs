using Processing.Worker.Media;
using Processing.Worker.Media.Ffmpeg;

namespace Media.Tests;

/// <summary>What the sandboxed process leaves behind is read only where it is a file of its own.</summary>
public sealed class Outputs
{
    private readonly string _workDir = FfmpegRunner.CreateWorkDir(Sources.NewFolder("outputs"));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_is_read_and_a_missing_one_is_none()
    {
        var path = Path.Combine(_workDir, "poster.jpg");
        Assert.Null(await OutputFile.ReadAsync(path, Ct));
        await File.WriteAllBytesAsync(path, [1, 2, 3], Ct);
        Assert.Equal([1, 2, 3], await OutputFile.ReadAsync(path, Ct));
        Assert.Throws<FileNotFoundException>(() => OutputFile.OpenRead(path + "x"));
    }

    [Fact]
    public async Task A_link_a_pipe_and_a_folder_are_refused()
    {
        var secret = Path.Combine(Sources.NewFolder("secret"), "key");
        await File.WriteAllTextAsync(secret, "secret", Ct);
        foreach (var (name, target) in new[] { ("whole", secret), ("dangling", secret + "x"), ("device", "/dev/zero") })
        {
            var link = Path.Combine(_workDir, name);
            File.CreateSymbolicLink(link, target);
            await RefusedAsync(link);
        }

        var pipe = Path.Combine(_workDir, "pipe");
        await Tool.CheckedAsync("mkfifo", pipe);
        await RefusedAsync(pipe);
        await RefusedAsync(_workDir);
    }

    /// <summary>The normalized file is moved, not copied: a link would be moved as one.</summary>
    [Fact]
    public async Task A_moved_link_is_not_described()
    {
        var scratch = Sources.NewFolder("scratch");
        File.CreateSymbolicLink(Path.Combine(scratch, "normalized.mkv"), "/etc/passwd");
        await Assert.ThrowsAsync<MediaUnusableException>(() => MediaFile.DescribeAsync(scratch, "normalized.mkv", "video/x-matroska", Ct));
    }

    private static async Task RefusedAsync(string path)
    {
        Assert.Throws<MediaUnusableException>(() => OutputFile.OpenRead(path));
        await Assert.ThrowsAsync<MediaUnusableException>(() => OutputFile.ReadAsync(path, Ct));
    }
}
