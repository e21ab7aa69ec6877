using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Otlp;

// { "resourceSpans": [ { "resource": {}, "scopeSpans": [ { "scope": {}, "spans": [], "schemaUrl": "" } ], "schemaUrl": "" } ] }
internal sealed class OtlpJsonFormat(Scope.Table scopes, Resource resource) : RequestFormat
{
    private readonly byte[] _resource = OtlpJsonEncoder.EncodeResource(resource);

    public override string ContentType => "application/json";

    public override void Write(SpanBatch batch, RequestBody body)
    {
        body.Add("{\"resourceSpans\":[{\"resource\":"u8);
        body.Add(_resource);
        body.Add(",\"scopeSpans\":["u8);
        for (var i = 0; i < batch.Scopes.Count; i++)
        {
            if (i > 0) body.Add(","u8);
            WriteScope(batch, scopes[batch.Scopes[i]], body);
        }

        body.Add("],\"schemaUrl\":"u8);
        WriteString(body, Resource.SchemaUrl);
        body.Add("}]}"u8);
    }

    public override CollectorReply Read(ReadOnlySpan<byte> body, bool isSuccess) => OtlpReply.ReadJson(body, isSuccess);

    private static void WriteScope(SpanBatch batch, Scope scope, RequestBody body)
    {
        body.Add("{\"scope\":"u8);
        body.Add(scope.Encoded);
        body.Add(",\"spans\":["u8);
        var isFirst = true;
        foreach (ref readonly var run in batch.Runs)
        {
            if (run.Scope != scope.Index) continue;
            // Each span brings the comma before it.
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
