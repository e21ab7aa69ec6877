using System.Net.Sockets;

namespace Tracing.Sdk.Export;

/// <summary>The socket's stream, which notes the first bytes that come.</summary>
/// <remarks>
/// A <see cref="NetworkStream"/>, because SocketsHttpHandler polls the socket of such a stream before a synchronous request uses the connection
/// again. For a derived class NetworkStream copies spans through arrays, so they go to the socket directly.
/// </remarks>
internal sealed class ObservedStream(Socket socket, ConnectionFacts facts) : NetworkStream(socket, ownsSocket: true)
{
    public override int Read(Span<byte> buffer)
    {
        try
        {
            var read = Socket.Receive(buffer);
            facts.Received(buffer[..read]);
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
        facts.Received(buffer.Span[..read]);
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
