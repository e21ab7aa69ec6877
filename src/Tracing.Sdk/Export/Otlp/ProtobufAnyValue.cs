using System.Collections;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>Writes attributes of any type in protobuf.</summary>
internal static class ProtobufAnyValue
{
    // KeyValue: key 1, value 2
    public static void WriteKeyValue(ref this ByteWriter writer, byte field, string key, object? value, int valueLength, int depth)
    {
        var pair = writer.BeginMessage(field, 1);
        writer.WriteString(0x0A, key);
        writer.WriteAnyValue(0x12, value, valueLength, depth);
        writer.EndMessage(pair);
    }

    // AnyValue: string 1, bool 2, int 3, double 4, array 5, kvlist 6, bytes 7. In a oneof a default value is written too: without it the value would be null.
    public static void WriteAnyValue(ref this ByteWriter writer, byte field, object? value, int valueLength, int depth)
    {
        var any = writer.BeginMessage(field, 1);
        var attribute = AttributeValue.Classify(value);
        switch (attribute.Kind)
        {
            case AttributeKind.Text: writer.WriteString(0x0A, Utf8Text.Cut(attribute.Text, valueLength)); break;
            case AttributeKind.Boolean: writer.WriteVarint(0x10, attribute.Boolean ? 1UL : 0); break;
            case AttributeKind.Integer: writer.WriteVarint(0x18, (ulong)attribute.Integer); break;
            case AttributeKind.Double: writer.WriteFixed64(0x21, BitConverter.DoubleToUInt64Bits(attribute.Double)); break;
            case AttributeKind.Bytes: writer.WriteBytes(0x3A, attribute.Bytes.AsSpan(0, Math.Min(attribute.Bytes.Length, valueLength))); break;
            case AttributeKind.Array when depth < AttributeValue.MaxDepth: WriteArray(ref writer, attribute.Elements, valueLength, depth); break;
            case AttributeKind.Map when depth < AttributeValue.MaxDepth: WriteMap(ref writer, attribute.Elements, valueLength, depth); break;
        }

        writer.EndMessage(any);
    }

    private static void WriteArray(ref ByteWriter writer, IEnumerable elements, int valueLength, int depth)
    {
        var array = writer.BeginMessage(0x2A, 1);
        var count = 0;
        foreach (var element in elements)
        {
            if (++count > AttributeValue.MaxElements) break;
            writer.WriteAnyValue(0x0A, element, valueLength, depth + 1);
        }

        writer.EndMessage(array);
    }

    private static void WriteMap(ref ByteWriter writer, IEnumerable map, int valueLength, int depth)
    {
        var list = writer.BeginMessage(0x32, 1);
        var count = 0;
        foreach (var (key, value) in AttributeValue.Entries(map))
        {
            if (++count > AttributeValue.MaxElements) break;
            writer.WriteKeyValue(0x0A, key, value, valueLength, depth + 1);
        }

        writer.EndMessage(list);
    }
}
