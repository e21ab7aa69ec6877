using System.IO.Compression;
using System.Net.Http.Headers;
using System.Reflection;
using Tracing.Sdk.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>The other end: makes requests of batches and sense of the answers. Export thread only.</summary>
internal sealed class Collector : Destination
{
    // A reply says little; a broken or hostile collector sends gigabytes.
    // https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
    public const int MaxReplyBytes = 4 * 1024 * 1024;

    private static readonly string Version =
        typeof(Collector).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    private readonly ExporterSettings _settings;
    private readonly RequestFormat _format;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http;
    private readonly RequestBody _body = new();
    private readonly MemoryStream _compressed = new();
    private readonly byte[] _reply = new byte[16 * 1024];
    private bool _isAsyncOnly;

    public Collector(ExporterSettings settings, RequestFormat format, TimeProvider time)
    {
        _settings = settings;
        _format = format;
        _time = time;
        _http = new HttpMessageInvoker(CollectorHandler.Create(settings));
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
        try
        {
            // For the handlers of others; our own needs no timer.
            using var late = new CancellationTokenSource(timeout, _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, abort);
            using var request = CreateRequest();
            request.Options.Set(DirectHandler.TimeLimit, timeout);
            using var response = Send(request, both.Token);
            return Read(response, both.Token);
        }
        catch (HttpRequestException e)
        {
            return FailureCause.IsConnecting(e)
                ? new(AttemptOutcome.Unreachable, FailureCause.Of(e, _settings))
                : new(AttemptOutcome.NoAnswer, FailureCause.Of(e, _settings));
        }
        catch (OperationCanceledException)
        {
            return new(AttemptOutcome.NoAnswer, FailureCause.Silence(_settings));
        }
        catch (Exception e)
        {
            // A handler of the user's may throw anything.
            return new(AttemptOutcome.NoAnswer, FailureCause.Of(e, _settings));
        }
    }

    public override void Dispose()
    {
        _http.Dispose();
        base.Dispose();
    }

    private HttpRequestMessage CreateRequest()
    {
        var content = _settings.Gzip ? new ByteArrayContent(_compressed.GetBuffer(), 0, (int)_compressed.Length) : _body.ToContent();
        content.Headers.ContentType = new MediaTypeHeaderValue(_format.ContentType);
        if (_settings.Gzip) content.Headers.ContentEncoding.Add("gzip");

        var request = new HttpRequestMessage(HttpMethod.Post, _settings.Endpoint) { Content = content };
        foreach (var (name, value) in _settings.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value)) content.Headers.TryAddWithoutValidation(name, value);
        }

        if (!request.Headers.Contains("User-Agent"))
        {
            request.Headers.TryAddWithoutValidation("User-Agent", $"Tracing.Sdk/{Version} OTel-OTLP-Exporter-dotnet/{Version}");
        }

        // Or the sidecar traces the tracer.
        request.Headers.TryAddWithoutValidation("b3", "0");
        return request;
    }

    private HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!_isAsyncOnly)
        {
            try
            {
                return _http.Send(request, cancellationToken);
            }
            catch (NotSupportedException)
            {
                // A handler of the user's that has no synchronous half.
                _isAsyncOnly = true;
            }
        }

        return _http.SendAsync(request, cancellationToken).GetAwaiter().GetResult();
    }

    private Attempt Read(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var isSuccess = response.IsSuccessStatusCode;
        if (!TryReadBody(response, cancellationToken, out var body))
        {
            return new(AttemptOutcome.Refused, FailureCause.HugeReply(_settings)) { Status = status };
        }

        var reply = _format.Read(body, isSuccess);
        if (isSuccess)
        {
            return FailureCause.IsHtml(body)
                ? new(AttemptOutcome.Refused, FailureCause.Html(status, _settings)) { Status = status }
                : new(AttemptOutcome.Taken, FailureCause.Partial(reply)) { Status = status, Rejected = reply.Rejected };
        }

        var cause = FailureCause.OfStatus(response, reply.Message, FailureCause.IsHtml(body), _settings);
        return RetryPolicy.IsRetryable(status)
            ? new(AttemptOutcome.Later, cause)
            {
                Status = status,
                RetryAfter = RetryPolicy.RetryAfter(
                    response.Headers.TryGetValues("Retry-After", out var values) ? values.FirstOrDefault() : null,
                    _time.GetUtcNow()),
            }
            : new(AttemptOutcome.Refused, cause) { Status = status };
    }

    // What matters stands at the beginning, so only that is kept; the rest is read so that the connection can be used again.
    private bool TryReadBody(HttpResponseMessage response, CancellationToken cancellationToken, out ReadOnlySpan<byte> body)
    {
        var stream = _isAsyncOnly
            ? response.Content.ReadAsStreamAsync(cancellationToken).GetAwaiter().GetResult()
            : response.Content.ReadAsStream(cancellationToken);
        if (response.Content.Headers.ContentEncoding.Contains("gzip")) stream = new GZipStream(stream, CompressionMode.Decompress);
        using (stream)
        {
            var kept = 0;
            var total = 0;
            Span<byte> rest = stackalloc byte[1024];
            while (total <= MaxReplyBytes)
            {
                var read = kept < _reply.Length ? stream.Read(_reply.AsSpan(kept)) : stream.Read(rest);
                if (read == 0)
                {
                    body = _reply.AsSpan(0, kept);
                    return true;
                }

                if (kept < _reply.Length) kept += read;
                total += read;
            }
        }

        body = default;
        return false;
    }
}
