using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;

namespace Aspire.Hosting;

public static class ContainerResourceBuilderExtensions
{
    public static IResourceBuilder<ContainerResource> AddContainer(this IDistributedApplicationBuilder builder, string name, string image) =>
        builder.AddResource(new ContainerResource(name)).WithImage(image);

    public static IResourceBuilder<ContainerResource> AddContainer(this IDistributedApplicationBuilder builder, string name, string image, string tag) =>
        builder.AddResource(new ContainerResource(name)).WithImage(image, tag);

    public static IResourceBuilder<T> WithImage<T>(this IResourceBuilder<T> builder, string image, string? tag = null)
        where T : ContainerResource
    {
        // "name:tag" in one string is taken apart; a colon before a slash belongs to the registry's port.
        var colon = image.LastIndexOf(':');
        if (tag is null && colon > image.LastIndexOf('/'))
            (image, tag) = (image[..colon], image[(colon + 1)..]);
        var registry = builder.Resource.Annotations.OfType<ImageAnnotation>().LastOrDefault()?.Registry;
        return builder.WithAnnotation(new ImageAnnotation(registry, image, tag), ResourceAnnotationMutationBehavior.Replace);
    }

    public static IResourceBuilder<T> WithImageTag<T>(this IResourceBuilder<T> builder, string tag)
        where T : ContainerResource
    {
        var image = builder.Resource.Annotations.OfType<ImageAnnotation>().LastOrDefault()
            ?? throw new InvalidOperationException($"The resource '{builder.Resource.Name}' does not have a container image specified. Use WithImage to specify the container image and tag.");
        image.Tag = tag;
        return builder;
    }

    public static IResourceBuilder<T> WithVolume<T>(this IResourceBuilder<T> builder, string? name, string target, bool isReadOnly = false)
        where T : ContainerResource => builder.WithAnnotation(new MountAnnotation(name, target, IsBind: false, isReadOnly));

    public static IResourceBuilder<T> WithBindMount<T>(this IResourceBuilder<T> builder, string source, string target, bool isReadOnly = false)
        where T : ContainerResource =>
        builder.WithAnnotation(new MountAnnotation(Path.GetFullPath(source, builder.ApplicationBuilder.AppHostDirectory), target, IsBind: true, isReadOnly));

    public static IResourceBuilder<T> WithLifetime<T>(this IResourceBuilder<T> builder, ContainerLifetime lifetime)
        where T : ContainerResource => builder.WithAnnotation(new LifetimeAnnotation(lifetime), ResourceAnnotationMutationBehavior.Replace);

    public static IResourceBuilder<T> WithEntrypoint<T>(this IResourceBuilder<T> builder, string entrypoint)
        where T : ContainerResource
    {
        builder.Resource.Entrypoint = entrypoint;
        return builder;
    }

    /// <summary>The volume that a server keeps its data in by default: named after the AppHost and the resource.</summary>
    internal static IResourceBuilder<T> WithDefaultVolume<T>(this IResourceBuilder<T> builder, string? name, string target, bool isReadOnly)
        where T : ContainerResource =>
        builder.WithVolume(name ?? $"{builder.ApplicationBuilder.Local().VolumePrefix}-{builder.Resource.Name}-data", target, isReadOnly);
}

public static class ExecutableResourceBuilderExtensions
{
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder, string name, string command, string workingDirectory, params string[]? args) =>
        builder.AddResource(new ExecutableResource(name, command, Path.GetFullPath(workingDirectory, builder.AppHostDirectory))).WithArgs(args ?? []);
}
