using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;

namespace Aspire.Hosting;

public static class ParameterResourceBuilderExtensions
{
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, bool secret = false) =>
        builder.AddResource(new ParameterResource(name, _ => FromConfiguration(builder, name)
            ?? throw new DistributedApplicationException($"Parameter resource could not be used because configuration key 'Parameters:{name}' is missing and the Parameter has no default value."), secret));

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, string value, bool publishValueAsDefault = false, bool secret = false)
    {
        if (publishValueAsDefault && secret)
            throw new ArgumentException("A parameter cannot be both secret and published as a default value.", nameof(secret));
        return builder.AddResource(new ParameterResource(name, _ => FromConfiguration(builder, name) ?? value, secret)
        {
            Default = publishValueAsDefault ? new ConstantParameterDefault(value) : null,
        });
    }

    /// <param name="persist">Keep a generated value for the next start.</param>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, ParameterDefault value, bool secret = false, bool persist = false) =>
        builder.AddResource(WithDefault(builder, name, value, secret, persist));

    public static IResourceBuilder<IResourceWithConnectionString> AddConnectionString(this IDistributedApplicationBuilder builder, string name, string? environmentVariableName = null) =>
        builder.AddResource(new ConnectionStringParameterResource(
            name,
            _ => builder.Configuration["ConnectionStrings:" + name]
                ?? throw new DistributedApplicationException($"Connection string parameter resource could not be used because connection string '{name}' is missing."),
            environmentVariableName) { IsConnectionString = true });

    /// <summary>The password of a server that was given none: generated, kept, and in the manifest only because something refers to it.</summary>
    internal static ParameterResource DefaultPassword(IDistributedApplicationBuilder builder, string name, bool special) =>
        WithDefault(builder, name, new GenerateParameterDefault { MinLength = 22, Special = special }, secret: true, persist: true);

    private static ParameterResource WithDefault(IDistributedApplicationBuilder builder, string name, ParameterDefault value, bool secret, bool persist) =>
        new(name, d => FromConfiguration(builder, name) ?? (persist && builder.ExecutionContext.IsRunMode
            ? builder.Local().Secrets.Value.GetOrAdd("Parameters:" + name, d!.GetDefaultValue)
            : d!.GetDefaultValue()), secret) { Default = value };

    private static string? FromConfiguration(IDistributedApplicationBuilder builder, string name) => builder.Configuration["Parameters:" + name];
}

public static class ConnectionStringBuilderExtensions
{
    public static IResourceBuilder<ConnectionStringResource> AddConnectionString(
        this IDistributedApplicationBuilder builder, string name, ReferenceExpression connectionStringExpression) =>
        builder.AddResource(new ConnectionStringResource(name, connectionStringExpression));
}
