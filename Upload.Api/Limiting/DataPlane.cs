using Microsoft.AspNetCore.Http.Metadata;

namespace Upload.Api.Limiting;

/// <summary>
/// A route that moves bytes: an account's requests to it are bounded by a gate of places (<see cref="Gate"/>) and not counted. Without
/// a valid credential they are counted as all others.
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
public sealed class DataPlaneAttribute : Attribute;

/// <summary>
/// A route that reads a large body and bounds it itself. Until it does, this much is read of one that is refused: a client that is cut
/// off while it sends does not see the answer.
/// </summary>
internal sealed class LargeBody : IRequestSizeLimitMetadata
{
    public long? MaxRequestBodySize => 32L << 20;
}

public static class DataPlane
{
    /// <summary>Marks routes as <see cref="DataPlaneAttribute"/>.</summary>
    public static TBuilder IsDataPlane<TBuilder>(this TBuilder routes)
        where TBuilder : IEndpointConventionBuilder => routes.WithMetadata(new DataPlaneAttribute()).TakesLargeBodies();

    /// <summary>Marks routes as <see cref="LargeBody"/>.</summary>
    public static TBuilder TakesLargeBodies<TBuilder>(this TBuilder routes)
        where TBuilder : IEndpointConventionBuilder => routes.WithMetadata(new LargeBody());
}
