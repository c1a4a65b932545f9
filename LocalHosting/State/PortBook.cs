using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Aspire.Hosting;

namespace LocalHosting.State;

/// <summary>
/// The ports of one engine, stable from start to start: a block of 128 below the range that the kernel hands out to outgoing connections
/// (32768 and up), so that no connection takes the port of a server that is just restarting. A block belongs to the engine that holds the
/// abstract socket of its number, which ends with the process and leaves no file.
/// </summary>
internal sealed class PortBook : IDisposable
{
    private const int First = 17000;
    private const int BlockSize = 128;
    private const int Blocks = 120;
    private readonly string _file;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _ports;
    private readonly int _block;
    private readonly Socket? _claim;

    public PortBook(string file)
    {
        _file = file;
        _ports = File.Exists(file) ? JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(file)) ?? [] : [];
        if (_ports.TryGetValue("block", out _block))
        {
            _claim = Claim(_block);
            return;
        }

        var order = Enumerable.Range(0, Blocks).ToArray();
        Random.Shared.Shuffle(order);
        foreach (var block in order)
        {
            if (Claim(block) is not { } claim)
                continue;
            if (Enumerable.Range(Start(block), BlockSize).All(IsFree))
            {
                (_claim, _block, _ports["block"]) = (claim, block, block);
                return;
            }

            claim.Dispose();
        }

        throw new DistributedApplicationException($"No {BlockSize} neighbouring free ports between {First} and {Start(Blocks)}.");
    }

    /// <summary>The port kept under this name, or the next free one. Consecutive ports for servers that want a range.</summary>
    public int Get(string name, int count = 1)
    {
        lock (_gate)
        {
            if (_ports.TryGetValue(name, out var port))
                return port;
            var next = _ports.GetValueOrDefault("next", Start(_block));
            if (next + count > Start(_block) + BlockSize)
                throw new DistributedApplicationException($"The application needs more than {BlockSize} ports; raise {nameof(BlockSize)} in {nameof(PortBook)}.");
            _ports[name] = next;
            _ports["next"] = next + count;
            AtomicFile.WriteJson(_file, _ports);
            return next;
        }
    }

    /// <summary>As <see cref="Get"/>; a kept port that some other program has taken meanwhile is replaced.</summary>
    public int GetFree(string name)
    {
        lock (_gate)
        {
            if (_ports.TryGetValue(name, out var port) && !IsFree(port))
                _ports.Remove(name);
            return Get(name);
        }
    }

    public void Dispose() => _claim?.Dispose();

    public static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // As servers do: without it a port in TIME_WAIT of the last run would count as taken.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int Start(int block) => First + (block * BlockSize);

    private static Socket? Claim(int block)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(string.Create(CultureInfo.InvariantCulture, $"\0local-hosting-ports-{block}")));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
