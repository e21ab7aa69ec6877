using System.Net.Sockets;

namespace Tracing.Sdk.Export.Http;

/// <summary>The stream of a socket. It reports the first bytes that it reads to <see cref="ConnectionState"/>.</summary>
/// <remarks>A <see cref="NetworkStream"/>, because SocketsHttpHandler polls the socket of such a stream before a synchronous request uses the connection again. In a
/// derived class, NetworkStream reads and writes spans through a copied array, so this class uses the socket directly.</remarks>
internal sealed class ObservedStream(Socket socket, ConnectionState connection) : NetworkStream(socket, ownsSocket: true)
{
    public override int Read(Span<byte> buffer)
    {
        try
        {
            var read = Socket.Receive(buffer);
            connection.AddReceived(buffer[..read]);
            return read;
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        connection.AddReceived(buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            // A blocking socket returns when everything is sent.
            Socket.Send(buffer);
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
}
