using System.Net;
using System.Net.Sockets;

namespace Tracing.Sdk.Export.Http;

/// <summary>Connects to the first address of a host that answers. https://www.rfc-editor.org/rfc/rfc8305</summary>
internal static class SocketConnector
{
    // RFC 8305, section 5: the recommended "Connection Attempt Delay".
    private static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);

    /// <exception cref="SocketException">The name is not known, or no address accepts a connection.</exception>
    public static async Task<Socket> ConnectAsync(DnsEndPoint endpoint, CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(endpoint.Host, cancellationToken).ConfigureAwait(false);
        return addresses.Length == 0
            ? throw new SocketException((int)SocketError.HostNotFound)
            : await ConnectAsync(addresses, endpoint.Port, cancellationToken).ConfigureAwait(false);
    }

    /// <exception cref="SocketException">No address accepts a connection.</exception>
    public static async Task<Socket> ConnectAsync(IPAddress[] addresses, int port, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var attempts = new List<Task<Socket>>();
        Exception? failure = null;
        try
        {
            // A failed attempt starts the next one at once, a slow one after the delay.
            for (var next = 0; next < addresses.Length || attempts.Count > 0;)
            {
                if (next < addresses.Length) attempts.Add(ConnectAsync(new IPEndPoint(addresses[next++], port), ended.Token));
                var finished = next < addresses.Length
                    ? await Task.WhenAny([.. attempts, Task.Delay(AttemptDelay, ended.Token)]).ConfigureAwait(false)
                    : await Task.WhenAny(attempts).ConfigureAwait(false);
                if (finished is not Task<Socket> attempt) continue;
                attempts.Remove(attempt);
                try
                {
                    return await attempt.ConfigureAwait(false);
                }
                catch (SocketException e)
                {
                    failure = e;
                }
            }

            throw failure!;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            foreach (var late in attempts) _ = CloseAsync(late);
        }
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task CloseAsync(Task<Socket> attempt)
    {
        try
        {
            (await attempt.ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Failed or cancelled: the socket is disposed of already.
        }
    }
}
