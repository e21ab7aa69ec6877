using System.Diagnostics;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Http;

/// <summary>Sends batches in HTTP requests and classifies the responses. Export thread only.</summary>
internal sealed class HttpTransport : Transport
{
    private static readonly string UserAgent = $"Tracing.Sdk/{SdkVersion.Text} OTel-OTLP-Exporter-dotnet/{SdkVersion.Text}";

    private readonly ExporterSettings _settings;
    private readonly Uri _target;
    private readonly HttpFormat _format;
    private readonly ExportLog _log;
    private readonly TimeProvider _time;
    private readonly ConnectionState _connection = new();
    private readonly FailureMessage _message;
    private readonly TlsFiles _files;
    private readonly RequestBody _body = new();
    private readonly MemoryStream _compressed = new();
    private readonly ResponseReader _reader = new();
    private HttpMessageInvoker? _http;
    // Whether the handler has no synchronous Send: the user's may have none, and HTTP/2 has none.
    private bool _isAsyncOnly;
    // Whether the next request needs a new connection.
    private bool _isAbandoned;

    public HttpTransport(ExporterSettings settings, HttpFormat format, ExportLog log, TimeProvider time)
    {
        _settings = settings;
        _target = format.FindTarget(settings.Endpoint!);
        _isAsyncOnly = format.HttpVersion.Major > 1;
        _format = format;
        _log = log;
        _time = time;
        _message = new FailureMessage(settings, settings.Endpoint!, format.Advice, _connection);
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
        using var late = new CancellationTokenSource(timeout, _time);
        // The user's handler may have registered a callback that throws; it must not throw on the timer's thread or on the one that stops the exporter.
        using var ended = new CancellationTokenSource();
        using var onLate = late.Token.UnsafeRegister(CancelSafely, ended);
        using var onAbort = abort.UnsafeRegister(CancelSafely, ended);
        var result = Send(timeout, ended.Token, out var wasClosedWhileIdle);
        return wasClosedWhileIdle ? Send(timeout, ended.Token, out _) : result;
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
            _connection.HasAnswered = true;
            return Classify(response, cancellationToken);
        }
        catch (Exception e)
        {
            var error = (e as HttpRequestException)?.HttpRequestError;
            if (content is not { IsRead: true } || _connection.SpeaksHttp1Only(_format.HttpVersion) || error is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.VersionNegotiationError or HttpRequestError.ProxyTunnelError)
            {
                return new(SendOutcome.Unreachable, _message.NothingSent(e)) { Error = error };
            }

            wasClosedWhileIdle = wasUsed && opened == _connection.OpenedCount && !cancellationToken.IsCancellationRequested
                && error is HttpRequestError.ResponseEnded or HttpRequestError.Unknown && e.InnerException is IOException;
            // A request that is given up closes a connection of HTTP/1.1. One of HTTP/2 would be used again, even if the other end is gone.
            _isAbandoned = e is OperationCanceledException && _format.HttpVersion.Major > 1;
            return new(SendOutcome.NoAnswer, _message.NoAnswer(e)) { Error = error };
        }
        finally
        {
            DisposeSafely(response);
        }
    }

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

    // The status decides. The body is read as far as possible, for its message.
    private SendResult Classify(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var body = _reader.Read(response, _isAsyncOnly, cancellationToken, out var end);
        var isPage = ResponseText.IsHtml(body);
        if (end == ResponseEnd.TooLarge) return new(SendOutcome.Rejected, _message.HugeResponse()) { Status = status };
        if (response.IsSuccessStatusCode && isPage) return new(SendOutcome.Rejected, _message.WebPage(status)) { Status = status };

        var isReadable = end == ResponseEnd.Complete && !isPage;
        var content = _format.ReadResponse(response, isReadable ? body : default);
        if (content.Refusal is { } refusal)
        {
            var outcome = refusal.IsRetryable ? SendOutcome.Deferred : refusal.IsForSize ? SendOutcome.TooLarge : SendOutcome.Rejected;
            return new(outcome, _message.Refused(refusal, content.Message))
            {
                Status = status,
                RpcStatus = refusal.Status,
                RetryAfter = refusal.RetryAfter is { } delay ? RetryPolicy.Limit(delay) : null,
            };
        }

        if (content.IsCutOff) return new(SendOutcome.NoAnswer, _message.CutOff()) { Status = status };
        if (response.IsSuccessStatusCode)
        {
            return new(SendOutcome.Accepted, _message.Accepted(content)) { Status = status, RpcStatus = content.RpcStatus, RejectedSpans = content.RejectedSpans };
        }

        var isRetryable = _format.IsRetryable(status);
        var message = content.Message ?? (isReadable ? ResponseText.DecodePlain(response, body) : null);
        // The receivers of Jaeger and the Collector answer 400 to a body that is too large.
        var isForSize = status == 413 || (status == 400 && message?.Contains("too large", StringComparison.OrdinalIgnoreCase) == true);
        return new(isRetryable ? SendOutcome.Deferred : isForSize ? SendOutcome.TooLarge : SendOutcome.Rejected, _message.Refused(response, message, body, isRetryable))
        {
            Status = status,
            RetryAfter = isRetryable ? RetryPolicy.ParseRetryAfter(ReadRetryAfter(response), _time.GetUtcNow()) : null,
        };
    }

    private static string? ReadRetryAfter(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("Retry-After", out var values) ? values.ToString() : null;

    private static void CancelSafely(object? source)
    {
        try
        {
            ((CancellationTokenSource)source!).Cancel();
        }
        catch (Exception)
        {
            // A callback of the user's handler has thrown.
        }
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
