using System.Net;
using System.Net.Sockets;
using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>Tells when a program that does not say so listens.</summary>
internal static class PortProbe
{
    /// <summary>Waits until a program listens; for at most a minute.</summary>
    /// <exception cref="TimeoutException">Nothing listens.</exception>
    public static async Task WaitUntilOpenAsync(int port)
    {
        if (!await Polling.UntilAsync(() => IsOpenAsync(port), isOpen => isOpen)) throw new TimeoutException($"Nothing listens at {LocalPort.Address(port)}.");
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
