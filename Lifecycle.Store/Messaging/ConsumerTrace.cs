using System.Diagnostics;
using System.Text;
using RabbitMQ.Client.Events;

namespace Lifecycle.Store.Messaging;

/// <summary>
/// The span of handling one message, as a child of the one that published it: an upload stays one trace up to READY. The
/// client library's own consumer spans begin traces of their own and only link back.
/// </summary>
public static class ConsumerTrace
{
    private static readonly ActivitySource _activities = new("VideoPlatform.Messaging");

    /// <returns>Null where nobody listens, or where the message carries no trace.</returns>
    public static Activity? Start(BasicDeliverEventArgs delivery) =>
        delivery.BasicProperties.Headers?.TryGetValue("traceparent", out var header) == true
        && header is byte[] bytes && ActivityContext.TryParse(Encoding.ASCII.GetString(bytes), null, isRemote: true, out var publisher)
            ? _activities.StartActivity($"process {delivery.RoutingKey}", ActivityKind.Consumer, publisher)
            : null;
}
