using System.Buffers.Binary;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Otlp;

// ScopeSpans.spans (2) of https://github.com/open-telemetry/opentelemetry-proto: a tag, a length, a Span.
// Span: trace_id 1, span_id 2, trace_state 3, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9, dropped 10, events 11,
//       dropped 12, links 13, dropped 14, status 15, flags 16 (fixed32)
// Fields are written in ascending order and lengths in the fewest bytes, as the reference libraries do.
internal sealed class OtlpProtobufEncoder(SpanLimits limits) : SpanEncoder(limits)
{
    private const byte SpanField = 0x12;
    private const byte AttributeField = 0x4A;
    // Limit of a length that takes one byte.
    private const int MaxOneByteLength = 127;

    private const int IdsLength = 2 + 16 + 2 + 8;

    // The longest head: ids, parent id, a short name, kind and times.
    private const int HeadRoom = IdsLength + 10 + 2 + MaxOneByteLength + 20;

    public override bool Encode(Activity activity, in SpanMetadata metadata, Scope scope, ref ByteWriter writer)
    {
        var span = writer.BeginMessage(SpanField, 2);

        // Room for everything before the attributes, except a tracestate and a long name, so that fields are written without a check.
        ref var to = ref writer.Reserve(HeadRoom)[0];
        to = ref WriteIds(ref to, activity.TraceId, activity.SpanId);
        if (activity.TraceStateString is { Length: > 0 } traceState)
        {
            writer.AdvanceTo(ref to);
            writer.WriteString(0x1A, traceState);
            to = ref writer.Reserve(HeadRoom)[0];
        }

        if (metadata.ParentSpanId != default)
        {
            Unsafe.WriteUnaligned(ref to, (ushort)(0x22 | (8 << 8)));
            OtlpIds.Write(ref Unsafe.Add(ref to, 2), metadata.ParentSpanId);
            to = ref Unsafe.Add(ref to, 10);
        }

        var name = GetName(activity, in metadata);
        if (!string.IsNullOrEmpty(name))
        {
            if (name.Length <= Math.Min(MaxOneByteLength, Limits.ValueLength) && Utf8Text.TryWriteAscii(name, ref Unsafe.Add(ref to, 2)))
            {
                Unsafe.WriteUnaligned(ref to, (ushort)(0x2A | (name.Length << 8)));
                to = ref Unsafe.Add(ref to, 2 + name.Length);
            }
            else
            {
                writer.AdvanceTo(ref to);
                writer.WriteString(0x2A, Utf8Text.Cut(name, Limits.ValueLength));
                to = ref writer.Reserve(HeadRoom)[0];
            }
        }

        var (start, end) = OtlpTime.Read(activity);
        Unsafe.WriteUnaligned(ref to, (uint)(0x30 | (((int)activity.Kind + 1) << 8) | (0x39 << 16)));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, 3), start);
        Unsafe.Add(ref to, 11) = 0x41;
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, 12), end);
        writer.AdvanceTo(ref Unsafe.Add(ref to, 20));

        var values = default(DetailValues);
        var status = new SpanStatus(activity, metadata.Content);
        WriteDropped(ref writer, 0x50, WriteSpanTags<Shortcut>(ref writer, AttributeField, activity, in metadata, ReadDetails(in metadata, values), ref status));
        if (IsAny(activity.EnumerateEvents())) WriteEvents(ref writer, activity);
        if (IsAny(activity.EnumerateLinks())) WriteLinks(ref writer, activity);
        WriteStatus(ref writer, in status);

        ref var flags = ref writer.Reserve(6)[0];
        Unsafe.WriteUnaligned(ref flags, (ushort)0x0185);
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref flags, 2), OtlpIds.FormatFlags(metadata.TraceFlags, metadata.ParentIsRemote));
        writer.Advance(6);

        writer.EndMessage(span);
        return status.Code == ActivityStatusCode.Error;
    }

    /// <summary>ResourceSpans.resource (1) with its tag and length. An attribute of megabytes is left out.</summary>
    public static byte[] EncodeResource(Resource resource)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        var message = writer.BeginMessage(0x0A, 2);
        foreach (var (key, value) in resource.Attributes)
        {
            var start = writer.Position;
            try
            {
                writer.WriteKeyValue(0x0A, key, value, int.MaxValue, 0);
            }
            catch (SpanTooLargeException)
            {
                writer.Rewind(start);
            }
        }

        writer.EndMessage(message);
        return writer.Written.ToArray();
    }

    /// <summary>ScopeSpans.scope (1) with its tag and length; empty for a scope that says nothing.</summary>
    protected override byte[] EncodeScope(Scope scope)
    {
        if (scope.Name.Length == 0 && string.IsNullOrEmpty(scope.Version) && scope.Attributes.Count == 0) return [];
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        var message = writer.BeginMessage(0x0A, 1);
        if (scope.Name.Length > 0) writer.WriteString(0x0A, scope.Name);
        if (!string.IsNullOrEmpty(scope.Version)) writer.WriteString(0x12, scope.Version);
        foreach (var (key, value) in scope.Attributes)
        {
            var start = writer.Position;
            try
            {
                writer.WriteKeyValue(0x1A, key, value, int.MaxValue, 0);
            }
            catch (Exception)
            {
                // The value's own ToString() has thrown: the scope is written without this attribute.
                writer.Rewind(start);
            }
        }

        writer.EndMessage(message);
        return writer.Written.ToArray();
    }

    /// <summary>KeyValue.key (1) with its tag and length.</summary>
    protected override byte[] EncodeKey(string key)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.WriteString(0x0A, key);
        return writer.Written.ToArray();
    }

    protected override void WriteTag(ref ByteWriter writer, byte field, AttributeKey key, object? value)
    {
        var pair = writer.BeginMessage(field, value is string { Length: > 100 } ? 2 : 1);
        writer.Write(key.Encoded);
        writer.WriteAnyValue(0x12, value, Limits.ValueLength, 0);
        writer.EndMessage(pair);
    }

    // KeyValue { key 1, AnyValue value 2 { string 1, bool 2 or int 3 } }, when each length fits one byte and the text is ASCII.
    private readonly struct Shortcut : ITagShortcut
    {
        private const int MaxVarintLength = 10;

        // A key is copied in steps, so the last step may write beyond it.
        public static int MaxRoom => 2 + MaxOneByteLength + AttributeKey.Step;
        public static int MaxText => MaxOneByteLength;

        public static bool MayFollow(byte last) => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static int TryWrite(ref byte to, byte field, AttributeKey key, object? value, int maxText)
        {
            if (value is string text)
            {
                var pair = key.Length + text.Length + 4;
                if (text.Length > maxText || pair > MaxOneByteLength) return 0;
                to = ref BeginPair(ref to, field, key, pair);
                Unsafe.WriteUnaligned(ref to, (uint)(0x12 | ((text.Length + 2) << 8) | (0x0A << 16) | (text.Length << 24)));
                return Utf8Text.TryWriteAscii(text, ref Unsafe.Add(ref to, 4)) ? pair + 2 : 0;
            }

            if (key.Length + 3 + MaxVarintLength > MaxOneByteLength) return 0;
            if (value is int number) return WriteNumber(ref to, field, key, 0x18, (ulong)number);
            if (value is bool boolean) return WriteNumber(ref to, field, key, 0x10, boolean ? 1UL : 0);
            return value is long large ? WriteNumber(ref to, field, key, 0x18, (ulong)large) : 0;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int WriteNumber(ref byte to, byte field, AttributeKey key, byte tag, ulong value)
        {
            var length = value < 0x80 ? 1 : value < 0x4000 ? 2 : (BitOperations.Log2(value) / 7) + 1;
            var pair = key.Length + 3 + length;
            to = ref BeginPair(ref to, field, key, pair);
            Unsafe.WriteUnaligned(ref to, (uint)(0x12 | ((length + 1) << 8) | (tag << 16)));
            to = ref Unsafe.Add(ref to, 3);
            for (; value >= 0x80; value >>= 7)
            {
                to = (byte)(value | 0x80);
                to = ref Unsafe.Add(ref to, 1);
            }

            to = (byte)value;
            return pair + 2;
        }

        // Writes tag, length and key of a pair, and returns the place of its value.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static ref byte BeginPair(ref byte to, byte field, AttributeKey key, int pair)
        {
            Unsafe.WriteUnaligned(ref to, (ushort)(field | (pair << 8)));
            return ref key.CopyTo(ref Unsafe.Add(ref to, 2));
        }
    }

    // Writes trace id and span id, and returns the place behind them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref byte WriteIds(ref byte to, ActivityTraceId traceId, ActivitySpanId spanId)
    {
        Unsafe.WriteUnaligned(ref to, (ushort)(0x0A | (16 << 8)));
        OtlpIds.Write(ref Unsafe.Add(ref to, 2), traceId);
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, 18), (ushort)(0x12 | (8 << 8)));
        OtlpIds.Write(ref Unsafe.Add(ref to, 20), spanId);
        return ref Unsafe.Add(ref to, IdsLength);
    }

    private static bool IsAny<T>(Activity.Enumerator<T> items) => items.MoveNext();

    // Event: time_unix_nano 1, name 2, attributes 3, dropped_attributes_count 4
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

            kept++;
            var message = writer.BeginMessage(0x5A, 2);
            writer.WriteFixed64(0x09, OtlpTime.ToUnixNano(item.Timestamp.UtcTicks));
            if (!string.IsNullOrEmpty(item.Name)) writer.WriteString(0x12, Utf8Text.Cut(item.Name, Limits.ValueLength));
            WriteDropped(ref writer, 0x20, WriteTags<Shortcut>(ref writer, 0x1A, item.EnumerateTagObjects(), Limits.AttributesPerEvent));
            writer.EndMessage(message);
        }

        WriteDropped(ref writer, 0x60, dropped);
    }

    // Link: trace_id 1, span_id 2, trace_state 3, attributes 4, dropped_attributes_count 5, flags 6 (fixed32)
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

            kept++;
            var context = link.Context;
            var message = writer.BeginMessage(0x6A, 1);
            writer.AdvanceTo(ref WriteIds(ref writer.Reserve(IdsLength)[0], context.TraceId, context.SpanId));
            if (context.TraceState is { Length: > 0 } traceState) writer.WriteString(0x1A, traceState);
            WriteDropped(ref writer, 0x28, WriteTags<Shortcut>(ref writer, 0x22, link.EnumerateTagObjects(), Limits.AttributesPerLink));
            var flags = writer.Reserve(5);
            flags[0] = 0x35;
            BinaryPrimitives.WriteUInt32LittleEndian(flags[1..], OtlpIds.FormatFlags((byte)context.TraceFlags, context.IsRemote));
            writer.Advance(5);
            writer.EndMessage(message);
        }

        WriteDropped(ref writer, 0x70, dropped);
    }

    // Status: message 2, code 3. Unset is not written; only an error has a message.
    private void WriteStatus(ref ByteWriter writer, in SpanStatus status)
    {
        if (status.Code == ActivityStatusCode.Unset) return;
        var message = writer.BeginMessage(0x7A, 1);
        if (status.Code == ActivityStatusCode.Error && !string.IsNullOrEmpty(status.Description))
        {
            writer.WriteString(0x12, Utf8Text.Cut(status.Description, Limits.ValueLength));
        }

        writer.WriteVarint(0x18, status.Code == ActivityStatusCode.Ok ? 1UL : 2);
        writer.EndMessage(message);
    }

    private static void WriteDropped(ref ByteWriter writer, byte field, int count)
    {
        if (count > 0) writer.WriteVarint(field, (uint)count);
    }
}
