using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;

namespace LocalHosting.Programs;

/// <summary>Which local program stands for which image. The only place that knows both.</summary>
internal static class ProgramCatalogue
{
    private static readonly Dictionary<string, Func<IProgram>> ByImage = new(StringComparer.Ordinal)
    {
        ["postgres"] = () => new PostgresProgram(),
        ["rabbitmq"] = () => new RabbitMqProgram(),
        ["minio/minio"] = () => new CephProgram(),
        ["nginx"] = () => new NginxProgram(),
        ["alfg/nginx-rtmp"] = () => new NginxRtmpProgram(),
    };

    /// <summary>Null for resources that are values, not processes.</summary>
    public static IProgram? For(IResource resource, ApplicationBuilder builder) => resource switch
    {
        ProjectResource => new ProjectProgram(resource.Annotations.OfType<ProjectAnnotation>().Last(), builder.Assembly),
        ExecutableResource executable => new ExecutableProgram(executable),
        ContainerResource => ForImage(resource),
        _ => null,
    };

    private static IProgram ForImage(IResource resource)
    {
        var image = resource.Annotations.OfType<ImageAnnotation>().Last().Image;
        var known = image.StartsWith("library/", StringComparison.Ordinal) ? image["library/".Length..] : image;
        return ByImage.TryGetValue(known, out var program)
            ? program()
            : throw new DistributedApplicationException(
                $"Resource '{resource.Name}': no local program is known for the image '{image}' ({string.Join(", ", ByImage.Keys)} are). Add one to {nameof(ProgramCatalogue)}, or run the model with a container engine (AppHostEngine=aspire).");
    }
}
