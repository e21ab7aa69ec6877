using Tracing.Sdk.Encoding;
using Tracing.Sdk.Encoding.Otlp;

namespace Tracing.Sdk.Export.Otlp;

// { "resourceSpans": [ { "resource": {}, "scopeSpans": [ { "scope": {}, "spans": [], "schemaUrl": "" } ], "schemaUrl": "" } ] }
internal sealed class OtlpJsonFormat(Scope.Table scopes, Resource resource) : RequestFormat
{
    private readonly byte[] _resource = OtlpJsonEncoder.EncodeResource(resource);

    public override string ContentType => "application/json";

    public override void Write(SpanBatch batch, Stream body)
    {
        body.Write("{\"resourceSpans\":[{\"resource\":"u8);
        body.Write(_resource);
        body.Write(",\"scopeSpans\":["u8);
        for (var i = 0; i < batch.Scopes.Count; i++)
        {
            if (i > 0) body.WriteByte((byte)',');
            WriteScope(batch, scopes[batch.Scopes[i]], body);
        }

        body.Write("],\"schemaUrl\":"u8);
        WriteString(body, Resource.SchemaUrl);
        body.Write("}]}"u8);
    }

    public override CollectorReply Read(ReadOnlySpan<byte> body, bool isSuccess) => OtlpReply.ReadJson(body, isSuccess);

    private static void WriteScope(SpanBatch batch, Scope scope, Stream body)
    {
        body.Write("{\"scope\":"u8);
        body.Write(scope.Encoded);
        body.Write(",\"spans\":["u8);
        var isFirst = true;
        foreach (ref readonly var record in batch.Records)
        {
            if (record.Scope != scope.Index) continue;
            if (!isFirst) body.WriteByte((byte)',');
            isFirst = false;
            body.Write(record.Bytes);
        }

        body.WriteByte((byte)']');
        if (!string.IsNullOrEmpty(scope.SchemaUrl))
        {
            body.Write(",\"schemaUrl\":"u8);
            WriteString(body, scope.SchemaUrl);
        }

        body.WriteByte((byte)'}');
    }

    private static void WriteString(Stream body, string text)
    {
        var writer = new ByteWriter(new Scratch(), SpanEncoder.MaxSpanBytes);
        writer.WriteString(text);
        body.Write(writer.Written);
    }
}
