using System.Diagnostics;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Reflection;
using System.Security.Cryptography;
using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export;

/// <summary>Sends a batch to the collector over HTTP and classifies the answer. Export thread only.</summary>
internal sealed class HttpTransport : Destination
{
    // A reply is short; a broken or hostile collector sends gigabytes.
    // https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
    private const int MaxReplyBytes = 4 * 1024 * 1024;

    private static readonly string Version =
        typeof(HttpTransport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    private readonly ExporterSettings _settings;
    private readonly RequestFormat _format;
    private readonly ExportLog _log;
    private readonly TimeProvider _time;
    private readonly ConnectionFacts _facts = new();
    private readonly FailureCause _cause;
    private readonly TlsFiles _files;
    private readonly RequestBody _body = new();
    private readonly MemoryStream _compressed = new();
    private readonly byte[] _reply = new byte[16 * 1024];
    private HttpMessageInvoker? _http;
    private bool _isAsyncOnly;

    public HttpTransport(ExporterSettings settings, RequestFormat format, ExportLog log, TimeProvider time)
    {
        _settings = settings;
        _format = format;
        _log = log;
        _time = time;
        _cause = new FailureCause(settings, _facts);
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

    /// <summary>Makes the request's body, for all its attempts.</summary>
    public override void Prepare(SpanBatch batch)
    {
        _body.Clear();
        _format.Write(batch, _body);
        if (!_settings.Gzip) return;
        _compressed.SetLength(0);
        using var gzip = new GZipStream(_compressed, CompressionLevel.Fastest, leaveOpen: true);
        using var body = _body.Open();
        body.CopyTo(gzip);
    }

    /// <summary>Sends the prepared body once.</summary>
    public override Attempt Send(TimeSpan timeout, CancellationToken abort)
    {
        using var suppressed = Suppression.Begin();
        using var late = new CancellationTokenSource(timeout, _time);
        // A callback that the user's handler has registered may throw: not on the timer, nor on the thread that stops the exporter.
        using var ended = new CancellationTokenSource();
        using var onLate = late.Token.UnsafeRegister(CancelQuietly, ended);
        using var onAbort = abort.UnsafeRegister(CancelQuietly, ended);
        var attempt = Send(ended.Token, out var isRepeatable);
        // The collector has closed a kept connection, as servers do: the request goes over a new one at once.
        return isRepeatable ? Send(ended.Token, out _) : attempt;
    }

    public override void Dispose()
    {
        DisposeQuietly(_http);
        base.Dispose();
    }

    private Attempt Send(CancellationToken cancellationToken, out bool isRepeatable)
    {
        isRepeatable = false;
        BatchContent? content = null;
        HttpResponseMessage? response = null;
        var opened = _facts.Opened;
        var wasUsed = _facts.HasAnswered;
        try
        {
            var http = Open();
            content = CreateContent();
            using var request = CreateRequest(content);
            response = Send(http, request, cancellationToken);
            _facts.HasAnswered = true;
            return Classify(response, cancellationToken);
        }
        catch (Exception e)
        {
            if (content is not { IsRead: true } || (e is HttpRequestException http && FailureCause.IsConnecting(http)))
            {
                return new(AttemptOutcome.Unreachable, _cause.OfConnecting(e));
            }

            isRepeatable = wasUsed && opened == _facts.Opened && FailureCause.IsClosing(e) && !cancellationToken.IsCancellationRequested;
            return new(AttemptOutcome.NoAnswer, _cause.OfSending(e));
        }
        finally
        {
            DisposeQuietly(response);
        }
    }

    // The handler is made at its first use, because the user's factory may throw, and made anew when a certificate has changed on disk.
    private HttpMessageInvoker Open()
    {
        if (_settings.HandlerFactory is { } factory) return _http ??= new HttpMessageInvoker(WithoutSpans(factory()));
        if (!_files.HaveChanged() && _http is not null) return _http;
        try
        {
            var handler = new TransportHandler(_files.ToOptions(), _facts);
            DisposeQuietly(_http);
            _http = new HttpMessageInvoker(handler);
            handler.Connect(_settings.Endpoint);
        }
        catch (CryptographicException e) when (_http is not null)
        {
            _log.CertificateKept(e.Message);
        }

        return _http;
    }

    private static HttpMessageHandler WithoutSpans(HttpMessageHandler handler)
    {
        var innermost = handler;
        while (innermost is DelegatingHandler { InnerHandler: { } inner }) innermost = inner;
        try
        {
            // Spares the platform the work; Suppression keeps the spans of all other handlers away.
            if (innermost is SocketsHttpHandler sockets) sockets.ActivityHeadersPropagator = null;
        }
        catch (InvalidOperationException)
        {
            // In use already.
        }

        return handler;
    }

    private BatchContent CreateContent()
    {
        var content = _settings.Gzip
            ? new BatchContent(() => new MemoryStream(_compressed.GetBuffer(), 0, (int)_compressed.Length, writable: false), _compressed.Length)
            : _body.ToContent();
        content.Headers.ContentType = new MediaTypeHeaderValue(_format.ContentType);
        if (_settings.Gzip) content.Headers.ContentEncoding.Add("gzip");
        return content;
    }

    private HttpRequestMessage CreateRequest(BatchContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _settings.Endpoint) { Content = content };
        foreach (var (name, value) in _settings.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value)) content.Headers.TryAddWithoutValidation(name, value);
        }

        Add(request, "User-Agent", $"Tracing.Sdk/{Version} OTel-OTLP-Exporter-dotnet/{Version}");
        // Not sampled, in B3 and in W3C: a sidecar reads one of them, and would otherwise trace the export.
        Add(request, "b3", "0");
        Add(request, "traceparent", $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00");
        return request;
    }

    private static void Add(HttpRequestMessage request, string name, string value)
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
                // A handler of the user's that has no synchronous half.
                _isAsyncOnly = true;
            }
        }

        return http.SendAsync(request, cancellationToken).GetAwaiter().GetResult();
    }

    // The status decides. The body is read as far as possible, for its message.
    private Attempt Classify(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var isSuccess = response.IsSuccessStatusCode;
        var body = ReadBody(response, cancellationToken, out var isWhole, out var isHuge);
        if (isHuge) return new(AttemptOutcome.Refused, _cause.HugeReply()) { Status = status };

        var isHtml = FailureCause.IsHtml(body);
        if (isSuccess && isHtml) return new(AttemptOutcome.Refused, _cause.Html(status)) { Status = status };
        var reply = isWhole && !isHtml ? _format.Read(body, isSuccess) : default;
        if (isSuccess) return new(AttemptOutcome.Taken, _cause.Partial(reply)) { Status = status, Rejected = reply.Rejected };

        var isLater = RetryPolicy.IsRetryable(status, _settings.Kind);
        var message = reply.Message ?? (isWhole && !isHtml ? FailureCause.PlainText(response, body) : null);
        return new(isLater ? AttemptOutcome.Later : AttemptOutcome.Refused, _cause.OfStatus(response, message, body, isLater))
        {
            Status = status,
            RetryAfter = isLater ? RetryPolicy.RetryAfter(Header(response, "Retry-After"), _time.GetUtcNow()) : null,
            MayBeTheBatch = isLater && status == 500,
        };
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    // What matters stands at the beginning, so only that is kept; the rest is read so that the connection can be used again.
    private ReadOnlySpan<byte> ReadBody(HttpResponseMessage response, CancellationToken cancellationToken, out bool isWhole, out bool isHuge)
    {
        (isWhole, isHuge) = (false, false);
        var kept = 0;
        try
        {
            // The streams of a reply know no token, and a thread that is blocked in one wakes up when the reply is disposed of.
            using var onEnd = cancellationToken.UnsafeRegister(static r => DisposeQuietly((HttpResponseMessage)r!), response);
            var stream = _isAsyncOnly
                ? response.Content.ReadAsStreamAsync(cancellationToken).GetAwaiter().GetResult()
                : response.Content.ReadAsStream(cancellationToken);
            if (response.Content.Headers.ContentEncoding.Contains("gzip")) stream = new GZipStream(stream, CompressionMode.Decompress);
            using (stream)
            {
                var total = 0;
                Span<byte> rest = stackalloc byte[1024];
                while (total <= MaxReplyBytes)
                {
                    var read = kept < _reply.Length ? stream.Read(_reply.AsSpan(kept)) : stream.Read(rest);
                    if (read == 0)
                    {
                        isWhole = true;
                        return _reply.AsSpan(0, kept);
                    }

                    if (kept < _reply.Length) kept += read;
                    total += read;
                }
            }

            isHuge = true;
        }
        catch (Exception)
        {
            // Cut short, not in the encoding that it claims, or too slow.
        }

        return _reply.AsSpan(0, kept);
    }

    private static void CancelQuietly(object? source)
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

    private static void DisposeQuietly(IDisposable? disposable)
    {
        try
        {
            disposable?.Dispose();
        }
        catch (Exception)
        {
            // The user's handler or its response throws; nothing of it is needed any more.
        }
    }
}
