using System.Diagnostics.Metrics;
using System.Net.Security;
using System.Net.Sockets;

namespace Tracing.Sdk.Export;

/// <summary>What requests to a collector go through: a SocketsHttpHandler with one connection, opened before the first request and kept.</summary>
/// <remarks>
/// A request that is sent synchronously over a kept connection needs no thread of the pool; opening a connection does. So an application
/// that exhausts its pool still exports over the connection that was opened when tracing started.
/// </remarks>
internal sealed class TransportHandler : DelegatingHandler
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // Not infinite: with an infinite timeout SocketsHttpHandler begins a read on each idle connection every 30 s, and this read completes on
    // the pool even when the next request is synchronous. With a finite one it does so at a quarter of it.
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromDays(180);

    private readonly ConnectionFacts _facts;
    private readonly CancellationTokenSource _connected = new();
    private Socket? _socket;
    private volatile bool _isDisposed;

    public TransportHandler(SslClientAuthenticationOptions tls, ConnectionFacts facts)
    {
        _facts = facts;
        tls.RemoteCertificateValidationCallback = (_, _, chain, errors) =>
        {
            facts.Judge(errors, chain);
            return errors == SslPolicyErrors.None;
        };
        if (tls.ClientCertificateContext is null)
        {
            tls.LocalCertificateSelectionCallback = (_, _, _, remote, _) =>
            {
                // Called once before the handshake, without the collector's certificate, and again when the collector asks for ours.
                if (remote is not null) facts.AsksForCertificate = true;
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
            // An answer that is not read to its end costs the connection: draining it would take a thread of the pool.
            MaxResponseDrainSize = 0,
            SslOptions = tls,
            ConnectCallback = ConnectAsync,
            PlaintextStreamFilter = Filter,
        };
    }

    /// <summary>Begins to open the connection without sending a request; never throws.</summary>
    /// <remarks>
    /// A request is begun and cancelled as soon as the socket is connected. SocketsHttpHandler then completes the connection, TLS included,
    /// within five seconds, and keeps it for the next request.
    /// </remarks>
    public void Connect(Uri endpoint) => _ = ConnectAsync(endpoint);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        // SocketsHttpHandler does not close a connection that becomes ready while it is disposed of.
        _isDisposed = true;
        Interlocked.MemoryBarrier();
        _socket?.Dispose();
        _connected.Dispose();
    }

    private async Task ConnectAsync(Uri endpoint)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint);
            using var response = await SendAsync(request, _connected.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Cancelled, as intended, or there is no connection: the first export reports that.
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = await SocketConnector.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
        _socket = socket;
        Interlocked.MemoryBarrier();
        _facts.Begin();
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            // Awaited, so that the request of Connect has ended before there is a connection for it.
            if (!_connected.IsCancellationRequested) await _connected.CancelAsync().ConfigureAwait(false);
            return new ObservedStream(socket, _facts);
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

    /// <summary>
    /// Keeps the exporter's requests out of the application's HTTP metrics, and the callbacks of a MeterListener out of the export. No
    /// listener hears of the instruments of a meter that is disposed.
    /// </summary>
    private sealed class NoMeters : IMeterFactory
    {
        private static readonly Meter Silent = Disposed();

        public Meter Create(MeterOptions options) => Silent;

        public void Dispose()
        {
        }

        private static Meter Disposed()
        {
            var meter = new Meter("Tracing.Sdk.Transport");
            meter.Dispose();
            return meter;
        }
    }
}
