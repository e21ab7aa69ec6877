using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Zipkin;

// A span of Zipkin's v2 JSON list: https://zipkin.io/zipkin-api/#/default/post_spans
// A server refuses the whole list for one bad span, so internal spans have no kind, null tags are left out, ids are in lower case, and a duration is at least 1.
internal sealed class ZipkinEncoder(SpanLimits limits, Resource resource) : SpanEncoder(limits)
{
    // The field that WriteTags passes to WriteTag.
    private const byte Failed = 1;

    private const long UnixEpochMicroseconds = 62135596800000000;

    private readonly byte[] _localEndpoint = EncodeEndpoint(resource);
    private readonly byte[] _resourceTags = EncodeResource(resource);

    public override bool Encode(Activity activity, in SpanMetadata metadata, Scope scope, ref ByteWriter writer)
    {
        WriteIds(ref writer, activity, metadata.ParentSpanId);
        var name = GetName(activity, in metadata);
        if (!string.IsNullOrEmpty(name))
        {
            writer.Write(",\"name\":"u8);
            ZipkinText.Write(ref writer, Utf8Text.Cut(name, Limits.ValueLength));
        }

        WriteTimes(ref writer, activity);
        writer.Write(_localEndpoint);
        var values = default(DetailValues);
        var details = ReadDetails(in metadata, values);
        RemoteEndpoint.Write(ref writer, activity, metadata.Content, details, Keys);
        var droppedEvents = WriteAnnotations(ref writer, activity);

        var status = new SpanStatus(activity, metadata.Content);
        WriteTagObject(ref writer, activity, in metadata, scope, details, droppedEvents, ref status);
        if (metadata.IsDebug) writer.Write(",\"debug\":true"u8);
        writer.Write((byte)'}');
        return status.Code == ActivityStatusCode.Error;
    }

    private static byte[] EncodeEndpoint(Resource resource)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write(",\"localEndpoint\":{\"serviceName\":"u8);
        ZipkinText.Write(ref writer, resource.ServiceName);
        writer.Write((byte)'}');
        return writer.Written.ToArray();
    }

    // Zipkin has no resource, so each span bears these bytes: only what tells one deployment of the service from another, and what the user has set.
    private static byte[] EncodeResource(Resource resource)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        var hasPod = resource.Attributes.Any(attribute => attribute.Key == "k8s.pod.name");
        foreach (var (key, value) in resource.Attributes)
        {
            var isShown = resource.Declared.Contains(key)
                || key is "service.version" or "service.namespace" or "deployment.environment.name" or "k8s.namespace.name" or "k8s.pod.name"
                // In a pod it is the pod's name.
                || (key == "host.name" && !hasPod);
            // Zipkin's "error" says that a span has failed.
            if (!isShown || key is "service.name" or "error") continue;
            if (writer.Position > 0) writer.Write((byte)',');
            ZipkinText.Write(ref writer, key);
            writer.Write((byte)':');
            ZipkinText.Write(ref writer, Convert.ToString(value, CultureInfo.InvariantCulture)!);
        }

        return writer.Written.ToArray();
    }

    /// <summary>Encodes the tags that each span of the scope has.</summary>
    protected override byte[] EncodeScope(Scope scope)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write(",\"tags\":{"u8);
        writer.Write(_resourceTags);
        if (scope.Name.Length > 0)
        {
            writer.WriteComma();
            writer.Write("\"otel.scope.name\":"u8);
            ZipkinText.Write(ref writer, scope.Name);
        }

        if (!string.IsNullOrEmpty(scope.Version))
        {
            writer.WriteComma();
            writer.Write("\"otel.scope.version\":"u8);
            ZipkinText.Write(ref writer, scope.Version);
        }

        return writer.Written.ToArray();
    }

    // With the comma before it, which all tags but the first have, and the quote after it, which all values but NaN have.
    protected override byte[] EncodeKey(string key)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write((byte)',');
        ZipkinText.Write(ref writer, key);
        writer.Write(":\""u8);
        return writer.Written.ToArray();
    }

    protected override AttributeKey CreateKey(string text, int number, bool isRemoved) => new ZipkinKey(text, EncodeKey(text), number, isRemoved);

    protected override void WriteTag(ref ByteWriter writer, byte field, AttributeKey key, object? value)
    {
        if (key.Text == ZipkinKey.Error && (field == Failed || value is false or "false")) return;
        switch (value)
        {
            case string text:
                WriteTagKey(ref writer, key);
                ZipkinText.Write(ref writer, Utf8Text.Cut(text, Limits.ValueLength));
                return;
            case null:
                // The format has no null tags.
                return;
        }

        WriteTagKey(ref writer, key);
        var attribute = AttributeValue.Classify(value);
        switch (attribute.Kind)
        {
            case AttributeKind.Text:
                ZipkinText.Write(ref writer, Utf8Text.Cut(attribute.Text, Limits.ValueLength));
                break;
            case AttributeKind.Boolean:
                writer.Write(attribute.Boolean ? "\"true\""u8 : "\"false\""u8);
                break;
            case AttributeKind.Integer:
                writer.Write((byte)'"');
                writer.WriteNumber(attribute.Integer);
                writer.Write((byte)'"');
                break;
            case AttributeKind.Double when value is float single:
                // The digits of the float, not those of the nearest double.
                ZipkinText.Write(ref writer, single.ToString("R", CultureInfo.InvariantCulture));
                break;
            case AttributeKind.Double when double.IsFinite(attribute.Double):
                writer.Write((byte)'"');
                writer.WriteDouble(attribute.Double);
                writer.Write((byte)'"');
                break;
            case AttributeKind.Double:
                writer.WriteDouble(attribute.Double);
                break;
            case AttributeKind.Bytes:
                writer.WriteBase64(attribute.Bytes.AsSpan(0, Math.Min(attribute.Bytes.Length, Limits.ValueLength)));
                break;
            default:
                WriteNested(ref writer, value);
                break;
        }
    }

    // ,{"traceId":"...","id":"...","parentId":"...","kind":"..."
    private static void WriteIds(ref ByteWriter writer, Activity activity, ActivitySpanId parentId)
    {
        // Room for all of it, so it is written without a check.
        ref var to = ref MemoryMarshal.GetReference(writer.Reserve(160));
        to = ref RawBytes.Write(ref to, ",{\"traceId\":\""u8);
        var traceId = activity.TraceId.ToHexString().AsSpan();
        // A 64-bit id is written with 16 digits, as the server stores it.
        if (!traceId.StartsWith("0000000000000000", StringComparison.Ordinal)) to = ref RawBytes.WriteHex(ref to, traceId);
        to = ref RawBytes.WriteHex(ref to, traceId[16..]);
        to = ref RawBytes.Write(ref to, "\",\"id\":\""u8);
        to = ref RawBytes.WriteHex(ref to, activity.SpanId.ToHexString());
        if (parentId != default)
        {
            to = ref RawBytes.Write(ref to, "\",\"parentId\":\""u8);
            to = ref RawBytes.WriteHex(ref to, parentId.ToHexString());
        }

        to = ref RawBytes.Write(ref to, Kind(activity.Kind));
        writer.AdvanceTo(ref to);
    }

    // ,"timestamp":...,"duration":...
    private static void WriteTimes(ref ByteWriter writer, Activity activity)
    {
        ref var to = ref MemoryMarshal.GetReference(writer.Reserve(96));
        var timestamp = Microseconds(activity.StartTimeUtc.Ticks);
        if (timestamp > 0)
        {
            to = ref RawBytes.Write(ref to, ",\"timestamp\":"u8);
            to = ref Unsafe.Add(ref to, RawBytes.WriteNumber(ref to, timestamp));
        }

        to = ref RawBytes.Write(ref to, ",\"duration\":"u8);
        to = ref Unsafe.Add(ref to, RawBytes.WriteNumber(ref to, Math.Max(1, activity.Duration.Ticks / TimeSpan.TicksPerMicrosecond)));
        writer.AdvanceTo(ref to);
    }

    // Tags: the scope's, the span's, the status, what was cut.
    private void WriteTagObject(
        ref ByteWriter writer, Activity activity, in SpanMetadata metadata, Scope scope, scoped DetailList details, int droppedEvents, ref SpanStatus status)
    {
        writer.Write(scope.Encoded);
        // The error of the span's own status replaces an error tag. The error of a status tag does not: then the tag is there already.
        var isFailed = status.Code == ActivityStatusCode.Error;
        var dropped = WriteSpanTags<Shortcut>(ref writer, isFailed ? Failed : default, activity, in metadata, details, ref status);
        WriteStatus(ref writer, in status, hasErrorTag: !isFailed && status.Code == ActivityStatusCode.Error && ZipkinKey.FindTag(ZipkinKey.Error, activity, metadata.Content, Keys) is not (null or false or "false"));
        WriteDropped(ref writer, "\"otel.dropped_attributes_count\":\""u8, dropped);
        WriteDropped(ref writer, "\"otel.dropped_events_count\":\""u8, droppedEvents);
        WriteDropped(ref writer, "\"otel.dropped_links_count\":\""u8, LinksOverLimit(activity));
        writer.Write((byte)'}');
    }

    private int LinksOverLimit(Activity activity)
    {
        var count = 0;
        foreach (ref readonly var link in activity.EnumerateLinks())
        {
            if (!IsEmpty(in link)) count++;
        }

        return Math.Max(0, count - Limits.Links);
    }

    private static void WriteDropped(ref ByteWriter writer, ReadOnlySpan<byte> key, int count)
    {
        if (count == 0) return;
        writer.WriteComma();
        writer.Write(key);
        writer.WriteNumber(count);
        writer.Write((byte)'"');
    }

    private void WriteStatus(ref ByteWriter writer, in SpanStatus status, bool hasErrorTag)
    {
        switch (status.Code)
        {
            case ActivityStatusCode.Ok:
                writer.WriteComma();
                writer.Write("\"otel.status_code\":\"OK\""u8);
                break;
            case ActivityStatusCode.Error:
                writer.WriteComma();
                writer.Write("\"otel.status_code\":\"ERROR\""u8);
                if (hasErrorTag) break;
                writer.Write(",\"error\":"u8);
                ZipkinText.Write(ref writer, Utf8Text.Cut(status.Description ?? "", Limits.ValueLength));
                break;
        }
    }

    private int WriteAnnotations(ref ByteWriter writer, Activity activity)
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

            writer.Write(kept++ == 0 ? ",\"annotations\":["u8 : ","u8);
            writer.Write("{\"timestamp\":"u8);
            writer.WriteNumber(Math.Max(1, Microseconds(item.Timestamp.UtcTicks)));
            writer.Write(",\"value\":"u8);
            WriteAnnotationValue(ref writer, item);
            writer.Write((byte)'}');
        }

        if (kept > 0) writer.Write((byte)']');
        return dropped;
    }

    // name, or "name": {attributes as JSON}
    private void WriteAnnotationValue(ref ByteWriter writer, in ActivityEvent item)
    {
        var tags = item.EnumerateTagObjects();
        var name = Utf8Text.Cut(item.Name ?? "", Limits.ValueLength);
        if (!MoveNext(ref tags))
        {
            ZipkinText.Write(ref writer, name);
            return;
        }

        // Rare, so it may allocate.
        var text = new ByteWriter(new Scratch(), MaxSpanBytes);
        text.WriteString(name);
        text.Write(": {"u8);
        var count = 0;
        do
        {
            if (count++ == Limits.AttributesPerEvent) break;
            var start = text.Position;
            try
            {
                text.WriteKey(tags.Current.Key ?? "");
                text.WriteValue(tags.Current.Value, Limits.ValueLength);
            }
            catch (Exception e) when (e is not SpanTooLargeException)
            {
                // The value's own ToString() has thrown.
                text.Rewind(start);
            }
        }
        while (MoveNext(ref tags));

        text.Write((byte)'}');
        ZipkinText.Write(ref writer, text.Written);
    }

    // Passes over removed attributes.
    private bool MoveNext(ref Activity.Enumerator<KeyValuePair<string, object?>> tags)
    {
        while (tags.MoveNext())
        {
            if (Limits.Removed is not { } removed || !removed.Contains(tags.Current.Key ?? "")) return true;
        }

        return false;
    }

    private void WriteNested(ref ByteWriter writer, object? value)
    {
        // Rare, so it may allocate.
        var text = new ByteWriter(new Scratch(), MaxSpanBytes);
        text.WriteValue(value, Limits.ValueLength);
        ZipkinText.Write(ref writer, text.Written);
    }

    private static void WriteTagKey(ref ByteWriter writer, AttributeKey key) => writer.Write(key.Encoded[(writer.Last == (byte)'{' ? 1 : 0)..^1]);

    private static ReadOnlySpan<byte> Kind(ActivityKind kind) => kind switch
    {
        ActivityKind.Server => "\",\"kind\":\"SERVER\""u8,
        ActivityKind.Client => "\",\"kind\":\"CLIENT\""u8,
        ActivityKind.Producer => "\",\"kind\":\"PRODUCER\""u8,
        ActivityKind.Consumer => "\",\"kind\":\"CONSUMER\""u8,
        _ => "\""u8,
    };

    // Divided before it is subtracted from: the division of a negative number would round up.
    private static long Microseconds(long utcTicks) => (utcTicks / TimeSpan.TicksPerMicrosecond) - UnixEpochMicroseconds;

    // ,"key":"value" with a text that needs no escape, or with a number.
    private readonly struct Shortcut : ITagShortcut
    {
        private const int MaxKey = 128;

        public static int MaxText => 512;

        // The first tag of the object has no comma.
        public static bool MayFollow(byte last) => last != (byte)'{';

        public static int MaxRoom => MaxKey + AttributeKey.Step + MaxText + RawBytes.MaxNumberLength + 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static int TryWrite(ref byte to, byte field, AttributeKey key, object? value, int maxText)
        {
            if (key.Length > MaxKey) return 0;
            if (value is string text)
            {
                if (text.Length > maxText || ZipkinText.EndsWithMark(text)) return 0;
                to = ref key.CopyTo(ref to);
                if (!Utf8Text.TryNarrow<Json.Plain>(text, ref to)) return 0;
                Unsafe.Add(ref to, text.Length) = (byte)'"';
                return key.Length + text.Length + 1;
            }

            long number;
            if (value is int integer) number = integer;
            else if (value is long large) number = large;
            else return 0;
            to = ref key.CopyTo(ref to);
            var length = RawBytes.WriteNumber(ref to, number);
            Unsafe.Add(ref to, length) = (byte)'"';
            return key.Length + length + 1;
        }
    }
}
