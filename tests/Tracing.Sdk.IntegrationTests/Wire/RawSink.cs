using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>
/// What the service calls: keeps every request as it stood on the wire and answers 200 with nothing in it.
/// <c>/redirect/...</c> answers 302 to the same path below <c>/to/</c>; a request in proxy form (an absolute target) is answered like any other.
/// </summary>
public sealed class RawSink : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<RawMessage> _requests = [];
    private readonly Task _accepting;

    public RawSink()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>The requests whose target contains <paramref name="tag"/>, in order of arrival.</summary>
    public IReadOnlyList<RawMessage> Requests(string tag)
    {
        lock (_requests) return [.. _requests.Where(request => request.Target.Contains(tag, StringComparison.Ordinal))];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // Only then the listener: a connection may have been accepted just now, and the loop would ask a stopped one for the next.
        await _accepting;
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = new RawConnection(client);
        try
        {
            while (await connection.ReadAsync() is { } request)
            {
                // Kept before it is answered: whoever has the service's response finds all its calls here.
                lock (_requests) _requests.Add(request);
                await connection.WriteAsync(Encoding.ASCII.GetBytes(Answer(request)));
            }
        }
        catch (IOException)
        {
            // The service went away.
        }
    }

    private static string Answer(RawMessage request) =>
        request.Target.StartsWith("/redirect/", StringComparison.Ordinal)
            ? $"HTTP/1.1 302 Found\r\nLocation: /to{request.Target}\r\nContent-Length: 0\r\n\r\n"
            : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
}
