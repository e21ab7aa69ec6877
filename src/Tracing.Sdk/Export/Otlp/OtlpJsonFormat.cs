using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Otlp;

// { "resourceSpans": [ { "resource": {}, "scopeSpans": [ { "scope": {}, "spans": [], "schemaUrl": "" } ], "schemaUrl": "" } ] }
internal sealed class OtlpJsonFormat(ExporterSettings settings, Resource resource) : HttpFormat(settings)
{
    // More than the names, brackets and commas of the envelope, or of a scope.
    private const int MaxPunctuation = 128;
    // A character is at most six bytes of JSON.
    private const int MaxCharBytes = 6;

    private readonly OtlpJsonEncoder _encoder = new(settings.Limits);
    private readonly byte[] _resource = OtlpJsonEncoder.EncodeResource(resource);

    public override SpanEncoder Encoder => _encoder;
    public override string ContentType => "application/json";
    public override HttpAdvice Advice { get; } = new OtlpAdvice(settings, isGrpc: false);
    public override int MaxRequestBytes => OtlpSettings.MaxHttpBytes;
    public override int EnvelopeBytes => MaxPunctuation + _resource.Length + Resource.SchemaUrl.Length;

    public static ExporterSettings Settings(OtlpOptions options) =>
        OtlpSettings.Create(options, "otlp_http_json_span_exporter", static (settings, resource) => new OtlpJsonFormat(settings, resource));

    public override int ScopeBytes(Scope scope) => MaxPunctuation + scope.Encoded!.Length + (MaxCharBytes * (scope.SchemaUrl?.Length ?? 0));

    public override void WriteRequest(SpanBatch batch, RequestBody body)
    {
        body.Add("{\"resourceSpans\":[{\"resource\":"u8);
        body.Add(_resource);
        body.Add(",\"scopeSpans\":["u8);
        for (var i = 0; i < batch.Scopes.Count; i++)
        {
            if (i > 0) body.Add(","u8);
            WriteScope(batch, _encoder.Scopes[batch.Scopes[i]], body);
        }

        body.Add("],\"schemaUrl\":"u8);
        WriteString(body, Resource.SchemaUrl);
        body.Add("}]}"u8);
    }

    public override ExportResponse ReadResponse(HttpResponseMessage response, ReadOnlySpan<byte> body) => OtlpResponse.ReadJson(body, response.IsSuccessStatusCode);

    private static void WriteScope(SpanBatch batch, Scope scope, RequestBody body)
    {
        body.Add("{\"scope\":"u8);
        body.Add(scope.Encoded);
        body.Add(",\"spans\":["u8);
        var isFirst = true;
        foreach (ref readonly var run in batch.Runs)
        {
            if (run.Scope != scope.Index) continue;
            // The bytes of a span begin with a comma.
            body.Add(run, skip: isFirst ? 1 : 0);
            isFirst = false;
        }

        body.Add("]"u8);
        if (!string.IsNullOrEmpty(scope.SchemaUrl))
        {
            body.Add(",\"schemaUrl\":"u8);
            WriteString(body, scope.SchemaUrl);
        }

        body.Add("}"u8);
    }

    private static void WriteString(RequestBody body, string text)
    {
        var writer = new ByteWriter(new Scratch(), SpanEncoder.MaxSpanBytes);
        writer.WriteString(text);
        body.Add(writer.Written);
    }
}
