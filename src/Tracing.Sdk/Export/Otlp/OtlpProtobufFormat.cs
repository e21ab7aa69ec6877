using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Otlp;

// ExportTraceServiceRequest { resource_spans 1 { resource 1, scope_spans 2 { scope 1, spans 2*, schema_url 3 }*, schema_url 3 } }
internal class OtlpProtobufFormat(ExporterSettings settings, Resource resource) : HttpFormat(settings)
{
    private const byte ResourceSpans = 0x0A;
    private const byte ScopeSpans = 0x12;
    // A tag and a length.
    private const int MaxHeaderBytes = 1 + 5;

    private readonly OtlpProtobufEncoder _encoder = new(settings.Limits);
    private readonly byte[] _resource = OtlpProtobufEncoder.EncodeResource(resource);
    private readonly byte[] _resourceSchema = EncodeSchema(Resource.SchemaUrl);

    public override SpanEncoder Encoder => _encoder;
    public override string ContentType => "application/x-protobuf";
    public override HttpAdvice Advice { get; } = new OtlpAdvice(settings, isGrpc: false);
    public override int MaxRequestBytes => OtlpSettings.MaxHttpBytes;
    public override int EnvelopeBytes => MaxHeaderBytes + _resource.Length + _resourceSchema.Length;

    public static ExporterSettings Settings(OtlpOptions options) =>
        OtlpSettings.Create(options, "otlp_http_span_exporter", static (settings, resource) => new OtlpProtobufFormat(settings, resource));

    public override int ScopeBytes(Scope scope) => MaxHeaderBytes + EncodedLength(scope);

    public override void WriteRequest(SpanBatch batch, RequestBody body)
    {
        // A length stands before its content, so all lengths are added up first.
        Span<int> lengths = batch.Scopes.Count <= 64 ? stackalloc int[batch.Scopes.Count] : new int[batch.Scopes.Count];
        var total = _resource.Length + _resourceSchema.Length;
        for (var i = 0; i < lengths.Length; i++)
        {
            var scope = _encoder.Scopes[batch.Scopes[i]];
            var length = EncodedLength(scope);
            foreach (ref readonly var run in batch.Runs)
            {
                if (run.Scope == scope.Index) length += run.Length;
            }

            lengths[i] = length;
            total += 1 + Protobuf.VarintLength((uint)length) + length;
        }

        WriteHeader(body, ResourceSpans, total);
        body.Add(_resource);
        for (var i = 0; i < lengths.Length; i++)
        {
            var scope = _encoder.Scopes[batch.Scopes[i]];
            WriteHeader(body, ScopeSpans, lengths[i]);
            body.Add(scope.Encoded);
            foreach (ref readonly var run in batch.Runs)
            {
                if (run.Scope == scope.Index) body.Add(run);
            }

            if (!string.IsNullOrEmpty(scope.SchemaUrl)) body.Add(EncodeSchema(scope.SchemaUrl));
        }

        body.Add(_resourceSchema);
    }

    public override ExportResponse ReadResponse(HttpResponseMessage response, ReadOnlySpan<byte> body) => OtlpResponse.ReadProtobuf(body, response.IsSuccessStatusCode);

    private static int EncodedLength(Scope scope) => scope.Encoded!.Length + SchemaLength(scope);

    private static void WriteHeader(RequestBody body, byte tag, int length)
    {
        Span<byte> header = stackalloc byte[11];
        header[0] = tag;
        body.Add(header[..(1 + Protobuf.WriteVarint(header[1..], (uint)length))]);
    }

    private static int SchemaLength(Scope scope)
    {
        if (string.IsNullOrEmpty(scope.SchemaUrl)) return 0;
        var length = System.Text.Encoding.UTF8.GetByteCount(scope.SchemaUrl);
        return 1 + Protobuf.VarintLength((uint)length) + length;
    }

    // schema_url 3, in ScopeSpans and in ResourceSpans
    private static byte[] EncodeSchema(string url)
    {
        var writer = new ByteWriter(new Scratch(), SpanEncoder.MaxSpanBytes);
        writer.WriteString(0x1A, url);
        return writer.Written.ToArray();
    }
}
