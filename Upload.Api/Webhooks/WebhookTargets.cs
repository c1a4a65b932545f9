using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Upload.Api.Webhooks;

/// <summary>The receiver's host has an address that webhooks may not reach.</summary>
public sealed class RefusedTargetException() : IOException("The host has an address that is not public.");

/// <summary>
/// Connects to receivers. A url is a stranger's: its host is looked up when the connection is made, every address of it must be
/// public, and the connection goes to an address that was checked, so that no second look-up can say otherwise.
/// </summary>
public sealed class WebhookTargets(IOptions<WebhookOptions> options)
{
    /// <summary>The registries of special-purpose addresses (RFC 6890), with multicast and what is reserved.</summary>
    private static readonly IPNetwork[] _special4 =
    [
        .. ((string[])
        [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ]).Select(network => IPNetwork.Parse(network)),
    ];

    /// <summary>All that is public in IPv6...</summary>
    private static readonly IPNetwork _global6 = IPNetwork.Parse("2000::/3");

    /// <summary>...but for protocols (Teredo among them), documentation, and 6to4, which leads to IPv4 addresses of any kind.</summary>
    private static readonly IPNetwork[] _special6 = [IPNetwork.Parse("2001::/23"), IPNetwork.Parse("2001:db8::/32"), IPNetwork.Parse("2002::/16"), IPNetwork.Parse("3fff::/20")];

    /// <summary>NAT64: the last four bytes are the IPv4 address that is meant.</summary>
    private static readonly IPNetwork _nat64 = IPNetwork.Parse("64:ff9b::/96");

    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return IsPublic(address.MapToIPv4());
        }

        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return !Array.Exists(_special4, network => network.Contains(address));
        }

        return _nat64.Contains(address)
            ? IsPublic(new IPAddress(address.GetAddressBytes().AsSpan(12)))
            : _global6.Contains(address) && !Array.Exists(_special6, network => network.Contains(address));
    }

    /// <summary>A handler's <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    /// <exception cref="RefusedTargetException">An address of the host is not public; nothing was connected.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        IPAddress[] addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, ct);
        if (!options.Value.AllowPrivateTargets && !options.Value.AllowedHosts.Contains(host, StringComparer.OrdinalIgnoreCase) && !Array.TrueForAll(addresses, IsPublic))
        {
            throw new RefusedTargetException();
        }

        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
