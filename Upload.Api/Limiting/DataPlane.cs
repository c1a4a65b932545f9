namespace Upload.Api.Limiting;

/// <summary>
/// A route that moves bytes: an account's requests to it are bounded by a gate of places (<see cref="Gate"/>) and not counted. Without
/// a valid credential they are counted as all others.
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
public sealed class DataPlaneAttribute : Attribute;

public static class DataPlane
{
    /// <summary>Marks routes as <see cref="DataPlaneAttribute"/>.</summary>
    public static TBuilder IsDataPlane<TBuilder>(this TBuilder routes)
        where TBuilder : IEndpointConventionBuilder => routes.WithMetadata(new DataPlaneAttribute());
}
