using System.Net;
using System.Net.Sockets;

namespace EndToEnd.Tests.Live;

internal static class FreePorts
{
    /// <summary>A UDP port that nobody has at the moment.</summary>
    public static int Udp()
    {
        using UdpClient probe = new(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.Client.LocalEndPoint!).Port;
    }
}
