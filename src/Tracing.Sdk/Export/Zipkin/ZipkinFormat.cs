using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Zipkin;

// [span,span,...] The server recognises JSON by the bracket, which must be the first byte.
internal sealed class ZipkinFormat(ExporterSettings settings, Resource resource) : HttpFormat(settings)
{
    public override SpanEncoder Encoder { get; } = new ZipkinEncoder(settings.Limits, resource);

    // A body of 1 MiB. The server accepts 10 MiB, a proxy in front of it often less. A larger span is sent alone.
    public override int MaxBatchBytes => (1024 - 16) * 1024;
    public override string ContentType => "application/json";
    public override HttpAdvice Advice { get; } = new ZipkinAdvice(settings);

    public static ExporterSettings Settings(ZipkinOptions options) => new()
    {
        ComponentType = "zipkin_http_span_exporter",
        CreateFormat = static (settings, resource) => new ZipkinFormat(settings, resource),
        Endpoint = ExporterSettings.WithoutUserInfo(options.Endpoint),
        Timeout = options.Timeout,
    };

    public override void WriteRequest(SpanBatch batch, RequestBody body)
    {
        body.Add("["u8);
        var isFirst = true;
        foreach (ref readonly var run in batch.Runs)
        {
            // The bytes of a span begin with a comma.
            body.Add(run, skip: isFirst ? 1 : 0);
            isFirst = false;
        }

        body.Add("]"u8);
    }

    // The body is plain text when the server refuses, and empty when it accepts.
    public override ExportResponse ReadResponse(HttpResponseMessage response, ReadOnlySpan<byte> body) =>
        response.IsSuccessStatusCode || body.IsEmpty ? default : new(0, ResponseText.Decode(body));

    // The Zipkin receivers of Jaeger and the Collector also answer 500 when their next step cannot accept spans at the moment.
    public override bool IsRetryable(int status) => status == 500 || base.IsRetryable(status);
}
