using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Tracing.Sdk.Tests.Export.Grpc;

/// <summary>A collector that accepts every call, on threads of its own: Kestrel needs the pool.</summary>
internal sealed class ThreadedGrpcCollector : IDisposable
{
    private const int HeaderLength = 9;
    private const byte Data = 0, Headers = 1, Settings = 4, Ping = 6;
    private const byte Ack = 1, EndStream = 1, EndHeaders = 4;

    // :status 200 and grpc-status 0, as HPACK writes them without a table. https://www.rfc-editor.org/rfc/rfc7541
    private static readonly byte[] Accepted = [0x88, 0, 11, .. "grpc-status"u8, 1, (byte)'0'];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private int _calls;

    public ThreadedGrpcCollector()
    {
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public Uri Endpoint => new($"http://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public int Calls => Volatile.Read(ref _calls);

    public void Dispose() => _listener.Stop();

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Disposed of.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: true);
            stream.ReadExactly(new byte["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".Length]);
            Write(stream, Settings, 0, 0, []);
            var header = new byte[HeaderLength];
            while (true)
            {
                stream.ReadExactly(header);
                var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
                stream.ReadExactly(payload);
                var (type, flags, id) = (header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)));
                if (type is Settings && (flags & Ack) == 0) Write(stream, Settings, Ack, 0, []);
                if (type is Ping && (flags & Ack) == 0) Write(stream, Ping, Ack, 0, payload);
                if (type is not (Headers or Data) || (flags & EndStream) == 0) continue;
                Interlocked.Increment(ref _calls);
                Write(stream, Headers, EndStream | EndHeaders, id, Accepted);
            }
        }
        catch (IOException)
        {
            // The exporter has closed the connection.
        }
    }

    private static void Write(Stream stream, byte type, byte flags, int id, byte[] payload)
    {
        var frame = new byte[HeaderLength + payload.Length];
        frame[2] = (byte)payload.Length;
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), id);
        payload.CopyTo(frame, HeaderLength);
        stream.Write(frame);
    }
}
