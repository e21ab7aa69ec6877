using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Tracing.Sdk.Benchmarks.EndToEnd;

/// <summary>
/// Kestrel without the network: connections are pipes, and a request runs on the thread that sends it. What is left to measure is the
/// service, not the kernel, whose share changes from second to second by more than tracing costs.
/// </summary>
internal sealed class MemoryTransport : IConnectionListenerFactory, IConnectionListener
{
    private static readonly PipeOptions Inline = new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>();

    public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.Loopback, 0);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        EndPoint = endpoint;
        return new(this);
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _accepted.Reader.WaitToReadAsync(cancellationToken) && _accepted.Reader.TryRead(out var connection) ? connection : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _accepted.Writer.TryComplete();
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>Opens a connection, and returns the caller's end of it.</summary>
    public IDuplexPipe Connect()
    {
        var (request, response) = (new Pipe(Inline), new Pipe(Inline));
        _accepted.Writer.TryWrite(new Connection(new Ends(request.Reader, response.Writer)));
        return new Ends(response.Reader, request.Writer);
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class Connection(IDuplexPipe transport) : ConnectionContext
    {
        public override string ConnectionId { get; set; } = "memory";

        public override IFeatureCollection Features { get; } = new FeatureCollection();

        public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

        public override IDuplexPipe Transport { get; set; } = transport;

        public override EndPoint? LocalEndPoint { get; set; } = new IPEndPoint(IPAddress.Loopback, 80);

        public override EndPoint? RemoteEndPoint { get; set; } = new IPEndPoint(IPAddress.Loopback, 50000);
    }
}

/// <summary>The far end of an outbound call: takes whatever is sent and answers at once.</summary>
internal sealed class CannedStream : Stream
{
    private static readonly byte[] Response = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"u8.ToArray();

    // The connection pool reads ahead, to hear of it when we hang up; its read is the one that gets the next answer.
    private (TaskCompletionSource<int> Read, Memory<byte> Buffer)? _waiting;
    private int _unread;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return default;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!buffer.EndsWith("\r\n\r\n"u8)) return;
        _unread = Response.Length;
        if (_waiting is not { } waiting) return;
        _waiting = null;
        waiting.Read.SetResult(Take(waiting.Buffer.Span));
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_unread > 0) return new(Take(buffer.Span));
        _waiting = (new TaskCompletionSource<int>(), buffer);
        return new(_waiting.Value.Read.Task);
    }

    private int Take(Span<byte> buffer)
    {
        var count = Math.Min(_unread, buffer.Length);
        Response.AsSpan(Response.Length - _unread, count).CopyTo(buffer);
        _unread -= count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
