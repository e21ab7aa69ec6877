using System.Diagnostics;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Http;

/// <summary>Sends batches in HTTP requests. Export thread only.</summary>
internal sealed class HttpTransport : Transport
{
    // https://www.rfc-editor.org/rfc/rfc9113#section-7
    private const long Http11Required = 0xd;

    private static readonly string UserAgent = $"Tracing.Sdk/{SdkVersion.Text} OTel-OTLP-Exporter-dotnet/{SdkVersion.Text}";

    private readonly ExporterSettings _settings;
    private readonly Uri _target;
    private readonly HttpFormat _format;
    private readonly ExportLog _log;
    private readonly TimeProvider _time;
    private readonly ConnectionState _connection;
    private readonly FailureMessage _message;
    private readonly ResponseClassifier _responses;
    private readonly TlsFiles _files;
    private readonly RequestBody _body = new();
    private readonly MemoryStream _compressed = new();
    private HttpMessageInvoker? _http;
    // Whether the handler has no synchronous Send: the user's may have none, and HTTP/2 has none.
    private bool _isAsyncOnly;
    // Whether the next request needs a new connection.
    private bool _isAbandoned;
    private bool _isOneSpan;

    public HttpTransport(ExporterSettings settings, HttpFormat format, ExportLog log, TimeProvider time)
    {
        _settings = settings;
        _target = format.FindTarget(settings.Endpoint!);
        _isAsyncOnly = format.IsHttp2;
        _connection = new ConnectionState(isHttp2: format.IsHttp2);
        _format = format;
        _log = log;
        _time = time;
        _message = new FailureMessage(settings, format, _connection);
        _responses = new ResponseClassifier(format, new ResponseMessage(settings, format), time);
        _files = new TlsFiles(settings);
    }

    public override void Connect()
    {
        // A handler of the user's opens its connections itself.
        if (_settings.HandlerFactory is not null) return;
        try
        {
            using var suppressed = Suppression.Begin();
            Open();
        }
        catch (Exception)
        {
            // The first export reports it.
        }
    }

    public override void Prepare(SpanBatch batch)
    {
        _isOneSpan = batch.Count == 1;
        var prefix = _format.PrefixLength;
        _body.Clear(prefix);
        _format.WriteRequest(batch, _body);
        if (!_settings.Gzip)
        {
            _format.WritePrefix(_body.Prefix, _body.Length - prefix, isCompressed: false);
            return;
        }

        _compressed.SetLength(prefix);
        _compressed.Position = prefix;
        using (var gzip = new GZipStream(_compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            using var body = _body.Open();
            body.Position = prefix;
            body.CopyTo(gzip);
        }

        _format.WritePrefix(_compressed.GetBuffer().AsSpan(0, prefix), (int)_compressed.Length - prefix, isCompressed: true);
    }

    public override SendResult Send(TimeSpan timeout, CancellationToken abort)
    {
        using var suppressed = Suppression.Begin();
        using var deadline = new RequestDeadline(timeout, _time, abort);
        var result = Send(timeout, deadline.Token, out var wasClosedWhileIdle);
        if (wasClosedWhileIdle) result = Send(timeout, deadline.Token, out _);
        // A request that is given up closes a connection of HTTP/1.1. One of HTTP/2 would be used again, even if the other end is gone.
        _isAbandoned = _format.IsHttp2 && result.Outcome == SendOutcome.NoAnswer && deadline.Token.IsCancellationRequested;
        return result;
    }

    public override void Dispose()
    {
        DisposeSafely(_http);
        base.Dispose();
    }

    // Servers close idle connections. A request that finds its connection closed so is sent over a new one at once.
    private SendResult Send(TimeSpan timeout, CancellationToken cancellationToken, out bool wasClosedWhileIdle)
    {
        wasClosedWhileIdle = false;
        BatchContent? content = null;
        HttpResponseMessage? response = null;
        var opened = _connection.OpenedCount;
        var wasUsed = _connection.HasAnswered;
        try
        {
            var http = Open();
            content = CreateContent();
            using var request = CreateRequest(content, timeout);
            response = Send(http, request, cancellationToken);
            _connection.SetAnswered();
            return _responses.Classify(response, _body.Length, _isOneSpan, _isAsyncOnly, cancellationToken);
        }
        catch (Exception e)
        {
            var error = (e as HttpRequestException)?.HttpRequestError;
            if (NeedsOtherVersion(e)) return new(SendOutcome.Unreachable, _message.OtherVersion()) { Error = HttpRequestError.VersionNegotiationError };
            if (content is not { IsRead: true } || error is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.VersionNegotiationError or HttpRequestError.ProxyTunnelError)
            {
                return new(SendOutcome.Unreachable, _message.NothingSent(e)) { Error = error };
            }

            wasClosedWhileIdle = wasUsed && opened == _connection.OpenedCount && !cancellationToken.IsCancellationRequested
                && error is HttpRequestError.ResponseEnded or HttpRequestError.Unknown && e.InnerException is IOException;
            return new(SendOutcome.NoAnswer, _message.NoAnswer(e)) { Error = error };
        }
        finally
        {
            DisposeSafely(response);
        }
    }

    // The other end can have understood nothing. Which exception tells so depends on which end closes the connection first, so the connection's first bytes decide, unless
    // no server listens any more.
    private bool NeedsOtherVersion(Exception e) =>
        e.InnerException is HttpProtocolException { ErrorCode: Http11Required }
        || (_target.Scheme == Uri.UriSchemeHttp && _connection.SpeaksOtherVersion && e.InnerException is not SocketException { SocketErrorCode: SocketError.ConnectionRefused });

    // The handler is created at its first use, because the user's factory may throw, and again when a certificate file has changed.
    private HttpMessageInvoker Open()
    {
        if (_settings.HandlerFactory is { } factory) return _http ??= new HttpMessageInvoker(WithoutSpans(factory()));
        if (!_files.HaveChanged() && _http is not null && !_isAbandoned) return _http;
        try
        {
            var handler = new TransportHandler(_files.ToOptions(), _connection);
            DisposeSafely(_http);
            _http = new HttpMessageInvoker(handler);
            _isAbandoned = false;
            handler.Connect(_target, _format.HttpVersion);
        }
        catch (CryptographicException e) when (_http is not null)
        {
            _log.CertificateRefused(e.Message);
        }

        return _http;
    }

    private static HttpMessageHandler WithoutSpans(HttpMessageHandler handler)
    {
        var innermost = handler;
        while (innermost is DelegatingHandler { InnerHandler: { } inner }) innermost = inner;
        try
        {
            // Saves the platform the work of propagation. Suppression prevents the spans of all other handlers.
            if (innermost is SocketsHttpHandler sockets) sockets.ActivityHeadersPropagator = null;
        }
        catch (InvalidOperationException)
        {
            // The handler is in use already and cannot be changed.
        }

        return handler;
    }

    private BatchContent CreateContent()
    {
        var content = _settings.Gzip
            ? new BatchContent(() => new MemoryStream(_compressed.GetBuffer(), 0, (int)_compressed.Length, writable: false), _compressed.Length)
            : _body.ToContent();
        content.Headers.ContentType = new MediaTypeHeaderValue(_format.ContentType);
        return content;
    }

    private HttpRequestMessage CreateRequest(BatchContent content, TimeSpan timeout)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _target)
        {
            Content = content,
            Version = _format.HttpVersion,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        _format.AddHeaders(request, _settings.Gzip, timeout);
        foreach (var (name, value) in _settings.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value)) content.Headers.TryAddWithoutValidation(name, value);
        }

        TryAdd(request, "User-Agent", UserAgent);
        // Not sampled, in B3 and in W3C: a sidecar reads one of them and would otherwise trace the export.
        TryAdd(request, "b3", "0");
        TryAdd(request, "traceparent", $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00");
        return request;
    }

    private static void TryAdd(HttpRequestMessage request, string name, string value)
    {
        if (!request.Headers.Contains(name)) request.Headers.TryAddWithoutValidation(name, value);
    }

    private HttpResponseMessage Send(HttpMessageInvoker http, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!_isAsyncOnly)
        {
            try
            {
                return http.Send(request, cancellationToken);
            }
            catch (NotSupportedException) when (_settings.HandlerFactory is not null)
            {
                _isAsyncOnly = true;
            }
        }

        return http.SendAsync(request, cancellationToken).GetAwaiter().GetResult();
    }

    /// <summary>Disposes of an object of the user's handler, whose code may throw.</summary>
    public static void DisposeSafely(object? disposable)
    {
        try
        {
            ((IDisposable?)disposable)?.Dispose();
        }
        catch (Exception)
        {
            // The user's handler or its response has thrown; neither is needed any more.
        }
    }
}
