using System.Diagnostics.Metrics;
using System.Net.Security;
using System.Net.Sockets;

namespace Tracing.Sdk.Export.Http;

/// <summary>A SocketsHttpHandler with one connection to the collector, which is opened before the first request and kept.</summary>
/// <remarks>A synchronous request over a kept connection needs no thread of the pool; opening a connection does. So an application that exhausts its pool still exports
/// over the connection that was opened when tracing started. This holds for HTTP/1.1; HTTP/2 reads its frames on the pool.</remarks>
internal sealed class TransportHandler : DelegatingHandler
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // Not infinite: with an infinite timeout SocketsHttpHandler begins a read on each idle connection every 30 s, and this read completes on
    // the pool even when the next request is synchronous. With a finite timeout it does so each quarter of the timeout.
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromDays(180);

    private readonly ConnectionState _connection;
    private readonly CancellationTokenSource _connected = new();
    private Socket? _socket;
    private volatile bool _isDisposed;

    public TransportHandler(SslClientAuthenticationOptions tls, ConnectionState connection)
    {
        _connection = connection;
        tls.RemoteCertificateValidationCallback = (_, _, chain, errors) =>
        {
            connection.CheckCertificate(errors, chain);
            return errors == SslPolicyErrors.None;
        };
        if (tls.ClientCertificateContext is null)
        {
            tls.LocalCertificateSelectionCallback = (_, _, _, remote, _) =>
            {
                // Called once before the handshake, without the collector's certificate, and again when the collector asks for a client certificate.
                if (remote is not null) connection.AsksForCertificate = true;
                return null!;
            };
        }

        InnerHandler = new SocketsHttpHandler
        {
            ActivityHeadersPropagator = null,
            MeterFactory = new NoMeters(),
            AllowAutoRedirect = false,
            UseCookies = false,
            MaxConnectionsPerServer = 1,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionIdleTimeout = IdleTimeout,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            // A response that is not read to its end closes the connection: draining it would take a thread of the pool.
            MaxResponseDrainSize = 0,
            SslOptions = tls,
            ConnectCallback = ConnectAsync,
            PlaintextStreamFilter = Filter,
        };
    }

    /// <summary>Begins to open the connection without sending a request. Does not throw.</summary>
    /// <remarks>A request is begun and cancelled as soon as the socket is connected. SocketsHttpHandler then completes the connection, TLS included, within five seconds,
    /// and keeps it for the next request.</remarks>
    public void Connect(Uri target, Version version) => _ = ConnectAsync(target, version);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        // SocketsHttpHandler does not close a connection that becomes ready while it is disposed of. The fence orders this write before the
        // read of _socket; ConnectAsync writes _socket and then reads _isDisposed, so one of the two disposes of the socket.
        _isDisposed = true;
        Interlocked.MemoryBarrier();
        _socket?.Dispose();
        _connected.Dispose();
    }

    private async Task ConnectAsync(Uri target, Version version)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, target) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await SendAsync(request, _connected.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Cancelled, as intended, or there is no connection, which the first export reports.
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = await SocketConnector.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
        _socket = socket;
        Interlocked.MemoryBarrier();
        _connection.Reset();
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            // Awaited, so that the request of Connect has ended before it finds a connection.
            if (!_connected.IsCancellationRequested) await _connected.CancelAsync().ConfigureAwait(false);
            return new ObservedStream(socket, _connection);
        }
        catch
        {
            // The handler was disposed of while the socket connected.
            socket.Dispose();
            throw;
        }
    }

    private ValueTask<Stream> Filter(SocketsHttpPlaintextStreamFilterContext context, CancellationToken cancellationToken) =>
        new(context.PlaintextStream is not NetworkStream && context.NegotiatedHttpVersion.Major == 1
            ? new SynchronousStream(context.PlaintextStream, _socket)
            : context.PlaintextStream);

    /// <summary>Keeps the exporter's requests out of the application's HTTP metrics, and callbacks of a MeterListener out of the export: the instruments of a disposed
    /// meter are not published to listeners.</summary>
    private sealed class NoMeters : IMeterFactory
    {
        private static readonly Meter Silent = Disposed();

        public Meter Create(MeterOptions options) => Silent;

        public void Dispose() { }

        private static Meter Disposed()
        {
            var meter = new Meter("Tracing.Sdk.Transport");
            meter.Dispose();
            return meter;
        }
    }
}
