using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace Tracing.Sdk.Export.Http;

/// <summary>A TLS stream whose asynchronous reads block the thread that waits for them.</summary>
/// <remarks>SocketsHttpHandler begins an asynchronous read on an idle TLS connection before it sends a synchronous request, and waits for the read after it has written
/// the request. Such a read completes on the thread pool, so with an exhausted pool the answer would never be seen. Here the waiting thread makes the read itself when it
/// begins to wait. One request at a time; HTTP/1.1 only.</remarks>
internal sealed class SynchronousStream(Stream inner, Socket? socket) : Stream, IValueTaskSource<int>
{
    // A peer closes with a TLS alert, which is smaller than this. Other data that may wait in the socket, a session ticket, is larger.
    private const int MaxAlertBytes = 64;

    private Memory<byte> _buffer;
    private short _version;
    private bool _isRead;
    private bool _isBroken;
    private int _result;
    private ExceptionDispatchInfo? _failure;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    private bool IsClosedByPeer
    {
        get
        {
            try
            {
                return socket is not null && socket.Poll(0, SelectMode.SelectRead) && socket.Available < MaxAlertBytes;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

    public override int Read(Span<byte> buffer) => inner.Read(buffer);
    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (IsClosedByPeer) return new ValueTask<int>(0);
        (_buffer, _isRead, _failure) = (buffer, false, null);
        return new ValueTask<int>(this, ++_version);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        // After a failed write SocketsHttpHandler still waits for the read that it has begun, so this read must not block.
        _isBroken = true;
        inner.Write(buffer);
        _isBroken = false;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);
    public override void Flush() => inner.Flush();
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) =>
        token != _version || !_isRead ? ValueTaskSourceStatus.Pending
        : _failure is null ? ValueTaskSourceStatus.Succeeded
        : ValueTaskSourceStatus.Faulted;

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Complete();
        continuation(state);
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        Complete();
        _failure?.Throw();
        return _result;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // The socket first: a thread that is blocked in a read or a write then returns.
            socket?.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Complete()
    {
        if (_isRead) return;
        try
        {
            _result = _isBroken ? 0 : inner.Read(_buffer.Span);
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }

        _isRead = true;
    }
}
