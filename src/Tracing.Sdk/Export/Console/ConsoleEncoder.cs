using System.Diagnostics;
using System.Globalization;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Console;

// One line a span, for people: time, trace, span < parent, kind, name, duration, tags, @events, ->links, status.
internal sealed class ConsoleEncoder(SpanLimits limits) : SpanEncoder(limits)
{
    public override bool Encode(Activity activity, in SpanMetadata metadata, Scope scope, ref ByteWriter writer)
    {
        activity.StartTimeUtc.TryFormat(writer.Reserve(32), out var written, "HH:mm:ss.fff", CultureInfo.InvariantCulture);
        writer.Advance(written);
        writer.Write((byte)' ');
        writer.WriteUtf8(activity.TraceId.ToHexString());
        writer.Write((byte)' ');
        writer.WriteUtf8(activity.SpanId.ToHexString());
        if (metadata.ParentSpanId != default)
        {
            writer.Write("<"u8);
            writer.WriteUtf8(metadata.ParentSpanId.ToHexString());
        }

        writer.Write((byte)' ');
        writer.Write(activity.Kind switch
        {
            ActivityKind.Server => "SERVER"u8,
            ActivityKind.Client => "CLIENT"u8,
            ActivityKind.Producer => "PRODUCER"u8,
            ActivityKind.Consumer => "CONSUMER"u8,
            _ => "INTERNAL"u8,
        });
        writer.Write((byte)' ');
        writer.WriteString(Utf8Text.Cut(GetName(activity, in metadata) ?? "", Limits.ValueLength));
        writer.Write((byte)' ');
        activity.Duration.TotalMilliseconds.TryFormat(writer.Reserve(32), out written, "0.000", CultureInfo.InvariantCulture);
        writer.Advance(written);
        writer.Write(" ms"u8);

        var values = default(DetailValues);
        var status = new SpanStatus(activity, metadata.Content);
        WriteSpanTags<NoShortcut>(ref writer, 0, activity, in metadata, ReadDetails(in metadata, values), ref status);
        foreach (ref readonly var item in activity.EnumerateEvents())
        {
            writer.Write(" @"u8);
            writer.WriteString(item.Name ?? "");
        }

        foreach (ref readonly var link in activity.EnumerateLinks())
        {
            writer.Write(" ->"u8);
            writer.WriteUtf8(link.Context.TraceId.ToHexString());
            writer.Write((byte)'/');
            writer.WriteUtf8(link.Context.SpanId.ToHexString());
        }

        if (status.Code == ActivityStatusCode.Error)
        {
            writer.Write(" ERROR "u8);
            writer.WriteString(Utf8Text.Cut(status.Description ?? "", Limits.ValueLength));
        }

        writer.Write((byte)'\n');
        return status.Code == ActivityStatusCode.Error;
    }

    protected override byte[] EncodeScope(Scope scope) => [];

    protected override byte[] EncodeKey(string key)
    {
        var writer = new ByteWriter(new Scratch(), MaxSpanBytes);
        writer.Write((byte)' ');
        // Escaped: a key may contain a line feed.
        writer.WriteEscaped(key);
        writer.Write((byte)'=');
        return writer.Written.ToArray();
    }

    protected override void WriteTag(ref ByteWriter writer, byte field, AttributeKey key, object? value)
    {
        writer.Write(key.Encoded);
        writer.WriteValue(value, Limits.ValueLength);
    }
}
