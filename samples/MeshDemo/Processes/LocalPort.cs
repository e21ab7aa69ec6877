using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MeshDemo.Processes;

/// <summary>Ports of this machine, for programs that have to be told theirs.</summary>
internal static class LocalPort
{
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>A port that is free, as far as one can know, and that was not given before: its program may not have opened it yet.</summary>
    public static int Free()
    {
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            if (Given.TryAdd(port, true)) return port;
        }
    }

    /// <summary>For example <c>127.0.0.1:41234</c>.</summary>
    public static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
}
