using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tracing.Sdk.IntegrationTests.Harness;

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

    /// <summary>Waits until a program listens; for at most a minute.</summary>
    public static async Task WaitUntilOpenAsync(int port)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await IsOpenAsync(port))
            await timer.WaitForNextTickAsync(patience.Token);
    }

    private static async Task<bool> IsOpenAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
