using Lifecycle.Contracts.Live;

namespace Streaming.Api.Live;

/// <summary>Live streams and videos share an address. What can be a stream's id, and so has not the look of a video's, is one.</summary>
internal sealed class StreamIdConstraint : IRouteConstraint
{
    public const string Name = "streamId";

    public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        values[routeKey] is string id && StreamIds.IsValid(id);
}
