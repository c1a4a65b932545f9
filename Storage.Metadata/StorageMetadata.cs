using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata;

/// <summary>The composition of the service: what Program runs, and tests and benches too.</summary>
public static class StorageMetadata
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults(static _ => false);
        builder.Services.AddDetailErrors();
        var app = builder.Build();
        app.UseServiceDefaults();
        app.MapDefaultEndpoints();
        return app;
    }
}
