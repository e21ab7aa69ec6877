using System.Collections;
using System.Diagnostics;
using System.Globalization;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Otlp;

// OTLP/JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
// proto3 JSON, but ids are hex and enums are numbers; 64-bit integers are strings.
internal sealed class OtlpJsonEncoder(SpanLimits limits) : SpanEncoder(limits)
{
    public override bool Encode(Activity activity, in SpanMetadata metadata, Scope scope, ref ByteWriter writer)
    {
        writer.Write(",{\"traceId\":\""u8);
        writer.WriteUtf8(activity.TraceId.ToHexString());
        writer.Write("\",\"spanId\":\""u8);
        writer.WriteUtf8(activity.SpanId.ToHexString());
        writer.Write((byte)'"');
        if (activity.TraceStateString is { Length: > 0 } traceState) WriteMember(ref writer, ",\"traceState\":"u8, traceState);
        if (metadata.ParentSpanId != default)
        {
            writer.Write(",\"parentSpanId\":\""u8);
            writer.WriteUtf8(metadata.ParentSpanId.ToHexString());
            writer.Write((byte)'"');
        }

        var name = activity.DisplayName;
        if (string.IsNullOrEmpty(name)) name = activity.OperationName;
        if (!string.IsNullOrEmpty(name)) WriteMember(ref writer, ",\"name\":"u8, Utf8Text.Cut(name, Limits.ValueLength));

        var (start, end) = OtlpTime.Read(activity);
        WriteMember(ref writer, ",\"kind\":"u8, (int)activity.Kind + 1);
        WriteTime(ref writer, ",\"startTimeUnixNano\":\""u8, start);
        WriteTime(ref writer, ",\"endTimeUnixNano\":\""u8, end);

        var values = default(DetailValues);
        var status = new SpanStatus(activity);
        WriteAttributes(ref writer, activity.EnumerateTagObjects(), Limits.Attributes, ReadDetails(in metadata, values), ref status);
        WriteEvents(ref writer, activity);
        WriteLinks(ref writer, activity);
        WriteStatus(ref writer, in status);
        WriteMember(ref writer, ",\"flags\":"u8, OtlpIds.FormatFlags(metadata.TraceFlags, metadata.ParentIsRemote));
        writer.Write((byte)'}');
        return status.Code == ActivityStatusCode.Error;
    }

    /// <summary>The resource object.</summary>
    public static byte[] EncodeResource(Resource resource)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write("{\"attributes\":["u8);
        foreach (var (key, value) in resource.Attributes) WriteKeyValue(ref writer, key, value, int.MaxValue, 0);
        writer.Write("]}"u8);
        return writer.Written.ToArray();
    }

    /// <summary>The scope object.</summary>
    protected override byte[] EncodeScope(Scope scope)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write((byte)'{');
        if (scope.Name.Length > 0) WriteMember(ref writer, "\"name\":"u8, scope.Name);
        if (!string.IsNullOrEmpty(scope.Version))
        {
            writer.WriteComma();
            WriteMember(ref writer, "\"version\":"u8, scope.Version);
        }

        if (scope.Attributes.Count > 0)
        {
            writer.WriteComma();
            writer.Write("\"attributes\":["u8);
            foreach (var (key, value) in scope.Attributes)
            {
                var start = writer.Position;
                try
                {
                    WriteKeyValue(ref writer, key, value, int.MaxValue, 0);
                }
                catch (Exception)
                {
                    // The value's own ToString() has thrown: the scope is written without this attribute.
                    writer.Rewind(start);
                }
            }

            writer.Write((byte)']');
        }

        writer.Write((byte)'}');
        return writer.Written.ToArray();
    }

    protected override byte[] EncodeKey(string key)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write("{\"key\":"u8);
        writer.WriteString(key);
        writer.Write(",\"value\":"u8);
        return writer.Written.ToArray();
    }

    protected override void WriteTag(ref ByteWriter writer, byte field, AttributeKey key, object? value)
    {
        writer.WriteComma();
        writer.Write(key.Encoded);
        WriteAnyValue(ref writer, value, Limits.ValueLength, 0);
        writer.Write((byte)'}');
    }

    private static void WriteKeyValue(ref ByteWriter writer, string key, object? value, int valueLength, int depth)
    {
        writer.WriteComma();
        writer.Write("{\"key\":"u8);
        writer.WriteString(key);
        writer.Write(",\"value\":"u8);
        WriteAnyValue(ref writer, value, valueLength, depth);
        writer.Write((byte)'}');
    }

    private static void WriteAnyValue(ref ByteWriter writer, object? value, int valueLength, int depth)
    {
        var attribute = AttributeValue.Classify(value);
        writer.Write((byte)'{');
        switch (attribute.Kind)
        {
            case AttributeKind.Text:
                WriteMember(ref writer, "\"stringValue\":"u8, Utf8Text.Cut(attribute.Text, valueLength));
                break;
            case AttributeKind.Boolean:
                writer.Write(attribute.Boolean ? "\"boolValue\":true"u8 : "\"boolValue\":false"u8);
                break;
            case AttributeKind.Integer:
                writer.Write("\"intValue\":\""u8);
                writer.WriteNumber(attribute.Integer);
                writer.Write((byte)'"');
                break;
            case AttributeKind.Double:
                writer.Write("\"doubleValue\":"u8);
                writer.WriteDouble(attribute.Double);
                break;
            case AttributeKind.Bytes:
                writer.Write("\"bytesValue\":"u8);
                writer.WriteBase64(attribute.Bytes.AsSpan(0, Math.Min(attribute.Bytes.Length, valueLength)));
                break;
            case AttributeKind.Array when depth < AttributeValue.MaxDepth:
                WriteArray(ref writer, attribute.Elements, valueLength, depth + 1);
                break;
            case AttributeKind.Map when depth < AttributeValue.MaxDepth:
                WriteMap(ref writer, attribute.Elements, valueLength, depth + 1);
                break;
        }

        writer.Write((byte)'}');
    }

    private static void WriteArray(ref ByteWriter writer, IEnumerable elements, int valueLength, int depth)
    {
        var count = 0;
        writer.Write("\"arrayValue\":{\"values\":["u8);
        foreach (var element in elements)
        {
            if (++count > AttributeValue.MaxElements) break;
            writer.WriteComma();
            WriteAnyValue(ref writer, element, valueLength, depth);
        }

        writer.Write("]}"u8);
    }

    private static void WriteMap(ref ByteWriter writer, IEnumerable map, int valueLength, int depth)
    {
        var count = 0;
        writer.Write("\"kvlistValue\":{\"values\":["u8);
        foreach (var (key, value) in AttributeValue.Entries(map))
        {
            if (++count > AttributeValue.MaxElements) break;
            WriteKeyValue(ref writer, key, value, valueLength, depth);
        }

        writer.Write("]}"u8);
    }

    private void WriteAttributes(
        ref ByteWriter writer,
        Activity.Enumerator<KeyValuePair<string, object?>> tags,
        int limit,
        scoped DetailList details,
        ref SpanStatus status)
    {
        var start = writer.Position;
        writer.Write(",\"attributes\":["u8);
        var dropped = WriteTags<NoShortcut>(ref writer, 0, tags, limit, details, ref status);
        if (writer.Last == (byte)'[') writer.Rewind(start);
        else writer.Write((byte)']');
        if (dropped > 0) WriteMember(ref writer, ",\"droppedAttributesCount\":"u8, dropped);
    }

    private void WriteEvents(ref ByteWriter writer, Activity activity)
    {
        var kept = 0;
        var dropped = 0;
        var none = default(SpanStatus);
        foreach (ref readonly var item in activity.EnumerateEvents())
        {
            if (kept == Limits.Events)
            {
                dropped++;
                continue;
            }

            writer.Write(kept++ == 0 ? ",\"events\":["u8 : ","u8);
            WriteTime(ref writer, "{\"timeUnixNano\":\""u8, OtlpTime.ToUnixNano(item.Timestamp.UtcTicks));
            WriteMember(ref writer, ",\"name\":"u8, Utf8Text.Cut(item.Name ?? "", Limits.ValueLength));
            WriteAttributes(ref writer, item.EnumerateTagObjects(), Limits.AttributesPerEvent, default, ref none);
            writer.Write((byte)'}');
        }

        if (kept > 0) writer.Write((byte)']');
        if (dropped > 0) WriteMember(ref writer, ",\"droppedEventsCount\":"u8, dropped);
    }

    private void WriteLinks(ref ByteWriter writer, Activity activity)
    {
        var kept = 0;
        var dropped = 0;
        var none = default(SpanStatus);
        foreach (ref readonly var link in activity.EnumerateLinks())
        {
            if (IsEmpty(in link)) continue;
            if (kept == Limits.Links)
            {
                dropped++;
                continue;
            }

            var context = link.Context;
            writer.Write(kept++ == 0 ? ",\"links\":["u8 : ","u8);
            writer.Write("{\"traceId\":\""u8);
            writer.WriteUtf8(context.TraceId.ToHexString());
            writer.Write("\",\"spanId\":\""u8);
            writer.WriteUtf8(context.SpanId.ToHexString());
            writer.Write((byte)'"');
            if (context.TraceState is { Length: > 0 } traceState) WriteMember(ref writer, ",\"traceState\":"u8, traceState);
            WriteAttributes(ref writer, link.EnumerateTagObjects(), Limits.AttributesPerLink, default, ref none);
            WriteMember(ref writer, ",\"flags\":"u8, OtlpIds.FormatFlags((byte)context.TraceFlags, context.IsRemote));
            writer.Write((byte)'}');
        }

        if (kept > 0) writer.Write((byte)']');
        if (dropped > 0) WriteMember(ref writer, ",\"droppedLinksCount\":"u8, dropped);
    }

    private void WriteStatus(ref ByteWriter writer, in SpanStatus status)
    {
        if (status.Code == ActivityStatusCode.Unset) return;
        writer.Write(",\"status\":{"u8);
        if (status.Code == ActivityStatusCode.Error && !string.IsNullOrEmpty(status.Description))
        {
            WriteMember(ref writer, "\"message\":"u8, Utf8Text.Cut(status.Description, Limits.ValueLength));
            writer.Write((byte)',');
        }

        WriteMember(ref writer, "\"code\":"u8, status.Code == ActivityStatusCode.Ok ? 1 : 2);
        writer.Write((byte)'}');
    }

    private static void WriteMember(ref ByteWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        writer.Write(name);
        writer.WriteString(value);
    }

    private static void WriteMember(ref ByteWriter writer, ReadOnlySpan<byte> name, long value)
    {
        writer.Write(name);
        writer.WriteNumber(value);
    }

    private static void WriteTime(ref ByteWriter writer, ReadOnlySpan<byte> name, ulong nanoseconds)
    {
        writer.Write(name);
        nanoseconds.TryFormat(writer.Reserve(20), out var written, default, CultureInfo.InvariantCulture);
        writer.Advance(written);
        writer.Write((byte)'"');
    }
}
