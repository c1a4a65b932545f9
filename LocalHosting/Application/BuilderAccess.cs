using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Testing;

namespace LocalHosting.Model;

internal static class BuilderAccess
{
    /// <summary>The implementation behind the interface that AppHosts and tests see.</summary>
    public static ApplicationBuilder Local(this IDistributedApplicationBuilder builder) => builder switch
    {
        ApplicationBuilder local => local,
        TestingBuilder testing => testing.Inner,
        _ => throw new ArgumentException("Not a builder of this engine.", nameof(builder)),
    };

    public static bool IsPublishMode<T>(this IResourceBuilder<T> builder)
        where T : IResource => builder.ApplicationBuilder.ExecutionContext.IsPublishMode;
}
