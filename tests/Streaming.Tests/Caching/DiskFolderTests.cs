using Streaming.Api.Segments;

namespace Streaming.Tests.Caching;

public sealed class DiskFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("streaming-folders-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Two_replicas_on_one_machine_have_folders_of_their_own_and_leave_nothing()
    {
        using (DiskFolder one = new(_root))
        {
            using DiskFolder two = new(_root);
            Assert.NotEqual(one.Path, two.Path);
            Assert.True(Directory.Exists(one.Path));
            File.WriteAllText(one.NextFile(), "x");
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    [Fact]
    public void The_folder_of_a_killed_process_is_removed_by_the_next()
    {
        using DiskFolder alive = new(_root);
        var orphan = Path.Combine(_root, "replica-0");
        Directory.CreateDirectory(orphan);
        File.WriteAllText(Path.Combine(orphan, "1"), "x");
        File.WriteAllText(orphan + ".lock", "");
        using DiskFolder next = new(_root);
        Assert.False(Directory.Exists(orphan));
        Assert.True(Directory.Exists(alive.Path));
    }
}
