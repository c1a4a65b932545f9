namespace Testing;

/// <summary>Where the checkout is: tests compare documents and start what the product ships.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    public static string PathOf(string relative) => Path.Combine(Root, relative);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "VideoPlatform.sln")))
            {
                return folder.FullName;
            }
        }

        return Environment.GetEnvironmentVariable("VIDEOPLATFORM_ROOT") ?? throw new DirectoryNotFoundException("No VideoPlatform.sln above the test. Set VIDEOPLATFORM_ROOT.");
    }
}
