namespace Tracing.Sdk.Export.Http;

/// <summary>Reads a response and says what it means for the batch. Export thread only.</summary>
internal sealed class ResponseClassifier(HttpFormat format, ResponseMessage message, TimeProvider time)
{
    private readonly ResponseReader _reader = new();

    /// <summary>Classifies a response. The status decides; the body is read as far as possible, for its message.</summary>
    /// <param name="response">The response.</param>
    /// <param name="requestBytes">The bytes of the request before compression.</param>
    /// <param name="isOneSpan">Whether the request held a single span.</param>
    /// <param name="isAsync">Whether the handler has no synchronous methods.</param>
    /// <param name="cancellationToken">Cancelled when the time is up.</param>
    public SendResult Classify(HttpResponseMessage response, int requestBytes, bool isOneSpan, bool isAsync, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var body = _reader.Read(response, isAsync, cancellationToken, out var end);
        var isPage = ResponseText.IsHtml(body);
        if (end == ResponseEnd.TooLarge) return new(SendOutcome.Rejected, message.Huge()) { Status = status };
        if (response.IsSuccessStatusCode && isPage) return new(SendOutcome.Rejected, message.WebPage(status)) { Status = status };

        var isReadable = end == ResponseEnd.Complete && !isPage;
        var content = format.ReadResponse(response, isReadable ? body : default);
        if (content.Refusal is { } refusal)
        {
            var outcome = refusal.IsRetryable ? SendOutcome.Deferred
                : refusal.Size == SizeRefusal.Certain || (refusal.Size == SizeRefusal.Possible && requestBytes > SpanFormat.MinRequestLimit) ? SendOutcome.TooLarge
                : SendOutcome.Rejected;
            return new(outcome, message.Refused(refusal, content.Message, outcome, isOneSpan))
            {
                Status = status,
                RpcStatus = refusal.Status,
                RetryAfter = refusal.RetryAfter is { } delay ? RetryPolicy.Limit(delay) : null,
            };
        }

        if (content.LacksStatus)
        {
            if (end == ResponseEnd.Complete) return new(SendOutcome.Rejected, message.WithoutStatus(status)) { Status = status };
            return new(SendOutcome.NoAnswer, cancellationToken.IsCancellationRequested ? message.Late() : message.CutOff()) { Status = status };
        }

        if (response.IsSuccessStatusCode)
        {
            return new(SendOutcome.Accepted, message.Accepted(content)) { Status = status, RpcStatus = content.RpcStatus, RejectedSpans = content.RejectedSpans };
        }

        return ClassifyStatus(response, content.Message ?? (isReadable ? ResponseText.DecodePlain(response, body) : null), body, isOneSpan);
    }

    private SendResult ClassifyStatus(HttpResponseMessage response, string? words, ReadOnlySpan<byte> body, bool isOneSpan)
    {
        var status = (int)response.StatusCode;
        var isForSize = status == 413 || (status == 400 && words is not null && SpeaksOfSize(words));
        var outcome = format.IsRetryable(status) ? SendOutcome.Deferred : isForSize ? SendOutcome.TooLarge : SendOutcome.Rejected;
        return new(outcome, message.Refused(response, words, body, outcome, isOneSpan))
        {
            Status = status,
            RetryAfter = outcome == SendOutcome.Deferred ? RetryPolicy.ParseRetryAfter(ReadRetryAfter(response), time.GetUtcNow()) : null,
        };
    }

    // The receivers of Jaeger and the Collector answer 400 to a body that is too large. That of Zipkin's format reads as much as it may and misses the end.
    private static bool SpeaksOfSize(string words) =>
        words.Contains("too large", StringComparison.OrdinalIgnoreCase) || words.Contains("unexpected end of JSON", StringComparison.OrdinalIgnoreCase);

    private static string? ReadRetryAfter(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("Retry-After", out var values) ? values.ToString() : null;
}
