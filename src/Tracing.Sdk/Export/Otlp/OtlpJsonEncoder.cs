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
        if (activity.TraceStateString is { Length: > 0 } traceState) writer.WriteMember(",\"traceState\":"u8, traceState);
        if (metadata.ParentSpanId != default)
        {
            writer.Write(",\"parentSpanId\":\""u8);
            writer.WriteUtf8(metadata.ParentSpanId.ToHexString());
            writer.Write((byte)'"');
        }

        var name = GetName(activity, in metadata);
        if (!string.IsNullOrEmpty(name)) writer.WriteMember(",\"name\":"u8, Utf8Text.Cut(name, Limits.ValueLength));

        var (start, end) = OtlpTime.Read(activity);
        writer.WriteMember(",\"kind\":"u8, (int)activity.Kind + 1);
        WriteTime(ref writer, ",\"startTimeUnixNano\":\""u8, start);
        WriteTime(ref writer, ",\"endTimeUnixNano\":\""u8, end);

        var values = default(DetailValues);
        var status = new SpanStatus(activity, metadata.Content);
        var attributes = BeginAttributes(ref writer);
        EndAttributes(ref writer, attributes, WriteSpanTags<NoShortcut>(ref writer, 0, activity, in metadata, ReadDetails(in metadata, values), ref status));
        WriteEvents(ref writer, activity);
        WriteLinks(ref writer, activity);
        WriteStatus(ref writer, in status);
        writer.WriteMember(",\"flags\":"u8, OtlpIds.FormatFlags(metadata.TraceFlags, metadata.ParentIsRemote));
        writer.Write((byte)'}');
        return status.Code == ActivityStatusCode.Error;
    }

    /// <summary>ResourceSpans.resource. An attribute of megabytes is left out.</summary>
    public static byte[] EncodeResource(Resource resource)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write("{\"attributes\":["u8);
        foreach (var (key, value) in resource.Attributes)
        {
            var start = writer.Position;
            try
            {
                writer.WriteKeyValue(key, value, int.MaxValue, 0);
            }
            catch (SpanTooLargeException)
            {
                writer.Rewind(start);
            }
        }

        writer.Write("]}"u8);
        return writer.Written.ToArray();
    }

    protected override byte[] EncodeScope(Scope scope)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write((byte)'{');
        if (scope.Name.Length > 0) writer.WriteMember("\"name\":"u8, scope.Name);
        if (!string.IsNullOrEmpty(scope.Version))
        {
            writer.WriteComma();
            writer.WriteMember("\"version\":"u8, scope.Version);
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
                    writer.WriteKeyValue(key, value, int.MaxValue, 0);
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
        writer.WriteAnyValue(value, Limits.ValueLength, 0);
        writer.Write((byte)'}');
    }

    private void WriteAttributes(ref ByteWriter writer, Activity.Enumerator<KeyValuePair<string, object?>> tags, int limit)
    {
        var start = BeginAttributes(ref writer);
        EndAttributes(ref writer, start, WriteTags<NoShortcut>(ref writer, 0, tags, limit));
    }

    private static int BeginAttributes(ref ByteWriter writer)
    {
        var start = writer.Position;
        writer.Write(",\"attributes\":["u8);
        return start;
    }

    private static void EndAttributes(ref ByteWriter writer, int start, int dropped)
    {
        if (writer.Last == (byte)'[') writer.Rewind(start);
        else writer.Write((byte)']');
        if (dropped > 0) writer.WriteMember(",\"droppedAttributesCount\":"u8, dropped);
    }

    private void WriteEvents(ref ByteWriter writer, Activity activity)
    {
        var kept = 0;
        var dropped = 0;
        foreach (ref readonly var item in activity.EnumerateEvents())
        {
            if (kept == Limits.Events)
            {
                dropped++;
                continue;
            }

            writer.Write(kept++ == 0 ? ",\"events\":["u8 : ","u8);
            WriteTime(ref writer, "{\"timeUnixNano\":\""u8, OtlpTime.ToUnixNano(item.Timestamp.UtcTicks));
            writer.WriteMember(",\"name\":"u8, Utf8Text.Cut(item.Name ?? "", Limits.ValueLength));
            WriteAttributes(ref writer, item.EnumerateTagObjects(), Limits.AttributesPerEvent);
            writer.Write((byte)'}');
        }

        if (kept > 0) writer.Write((byte)']');
        if (dropped > 0) writer.WriteMember(",\"droppedEventsCount\":"u8, dropped);
    }

    private void WriteLinks(ref ByteWriter writer, Activity activity)
    {
        var kept = 0;
        var dropped = 0;
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
            if (context.TraceState is { Length: > 0 } traceState) writer.WriteMember(",\"traceState\":"u8, traceState);
            WriteAttributes(ref writer, link.EnumerateTagObjects(), Limits.AttributesPerLink);
            writer.WriteMember(",\"flags\":"u8, OtlpIds.FormatFlags((byte)context.TraceFlags, context.IsRemote));
            writer.Write((byte)'}');
        }

        if (kept > 0) writer.Write((byte)']');
        if (dropped > 0) writer.WriteMember(",\"droppedLinksCount\":"u8, dropped);
    }

    private void WriteStatus(ref ByteWriter writer, in SpanStatus status)
    {
        if (status.Code == ActivityStatusCode.Unset) return;
        writer.Write(",\"status\":{"u8);
        if (status.Code == ActivityStatusCode.Error && !string.IsNullOrEmpty(status.Description))
        {
            writer.WriteMember("\"message\":"u8, Utf8Text.Cut(status.Description, Limits.ValueLength));
            writer.Write((byte)',');
        }

        writer.WriteMember("\"code\":"u8, status.Code == ActivityStatusCode.Ok ? 1 : 2);
        writer.Write((byte)'}');
    }

    private static void WriteTime(ref ByteWriter writer, ReadOnlySpan<byte> name, ulong nanoseconds)
    {
        writer.Write(name);
        nanoseconds.TryFormat(writer.Reserve(20), out var written, default, CultureInfo.InvariantCulture);
        writer.Advance(written);
        writer.Write((byte)'"');
    }
}
