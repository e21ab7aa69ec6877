using System.Net;
using System.Net.Sockets;

namespace Tracing.Sdk.Tests.Testbed;

/// <summary>A message as it stood on the wire: nothing folded, nothing normalised.</summary>
internal sealed record WireMessage(string StartLine, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    public string Target => StartLine.Split(' ')[1];

    public int Status => int.Parse(StartLine.Split(' ')[1]);

    /// <summary>The value of a header that is there once; null when it is not there. Twice is a failure.</summary>
    public string? this[string name] => All(name) is { Count: > 0 } values ? Assert.Single(values) : null;

    public IReadOnlyList<string> All(string name) =>
        [.. Headers.Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value)];

    public static WireMessage Parse(string head)
    {
        var lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        return new WireMessage(lines[0], [.. lines.Skip(1).Select(line =>
        {
            var colon = line.IndexOf(':');
            return KeyValuePair.Create(line[..colon], line[(colon + 1)..].Trim(' '));
        })]);
    }
}

/// <summary>A client without any HTTP library, so that nothing traces it and every byte is ours.</summary>
internal static class WireClient
{
    public static async Task<WireMessage> SendAsync(Uri address, string startLine, params string[] headers) =>
        (await SendAsync(address, [Request(address, startLine, [.. headers, "Connection: close"])]))[0];

    /// <summary>Sends requests one after another over one connection. The last should ask to close it.</summary>
    public static async Task<IReadOnlyList<WireMessage>> SendAsync(Uri address, string[] requests)
    {
        using var socket = await ConnectAsync(address);
        await using var stream = new NetworkStream(socket);
        foreach (var request in requests) await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
        var text = await reader.ReadToEndAsync();
        return [.. text.Split("HTTP/1.1 ", StringSplitOptions.RemoveEmptyEntries).Select(r => WireMessage.Parse("HTTP/1.1 " + r.Split("\r\n\r\n")[0]))];
    }

    public static async Task<Socket> ConnectAsync(Uri address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Parse(address.Host.Trim('[', ']')), address.Port);
        return socket;
    }

    public static string Request(Uri address, string startLine, params string[] headers)
    {
        var host = headers.Any(h => h.StartsWith("Host:", StringComparison.OrdinalIgnoreCase)) ? "" : $"Host: {address.Authority}\r\n";
        return $"{startLine} HTTP/1.1\r\n{host}{string.Concat(headers.Select(h => h + "\r\n"))}\r\n";
    }
}

/// <summary>A server without any HTTP library: it makes no spans of its own and keeps what it was sent, byte for byte.</summary>
internal sealed class WireServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<WireMessage> _requests = [];
    private readonly Func<WireMessage, int, string> _reply;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <param name="reply">Status line and headers for a request and its number, such as "200 OK"; an empty text hangs up.</param>
    public WireServer(Func<WireMessage, int, string>? reply = null)
    {
        _reply = reply ?? ((_, _) => "200 OK");
        _listener.Start();
        _loop = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    public IReadOnlyList<WireMessage> Requests
    {
        get
        {
            lock (_requests) return [.. _requests];
        }
    }

    /// <summary>The only request that came.</summary>
    public WireMessage Request => Assert.Single(Requests);

    /// <summary>A handler that takes every host name to this server.</summary>
    public SocketsHttpHandler Handler() => new()
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(_listener.LocalEndpoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // Only then the listener: a connection may have been accepted just now, and the loop would ask a stopped one for the next.
        await _loop;
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            var bytes = new byte[64 * 1024];
            var length = 0;
            while (true)
            {
                var read = await stream.ReadAsync(bytes.AsMemory(length), _stop.Token);
                if (read == 0) return;
                length += read;
                var end = bytes.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
                if (end < 0) continue;

                var message = WireMessage.Parse(System.Text.Encoding.Latin1.GetString(bytes, 0, end));
                int number;
                lock (_requests)
                {
                    number = _requests.Count;
                    _requests.Add(message);
                }

                var reply = _reply(message, number);
                if (reply.Length == 0) return;
                await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes($"HTTP/1.1 {reply}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), _stop.Token);
                return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
        }
    }
}
