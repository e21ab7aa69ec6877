using System.Collections;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>Writes attributes of any type in JSON.</summary>
internal static class JsonAnyValue
{
    public static void WriteKeyValue(ref this ByteWriter writer, string key, object? value, int valueLength, int depth)
    {
        writer.WriteComma();
        writer.Write("{\"key\":"u8);
        writer.WriteString(key);
        writer.Write(",\"value\":"u8);
        writer.WriteAnyValue(value, valueLength, depth);
        writer.Write((byte)'}');
    }

    public static void WriteAnyValue(ref this ByteWriter writer, object? value, int valueLength, int depth)
    {
        var attribute = AttributeValue.Classify(value);
        writer.Write((byte)'{');
        switch (attribute.Kind)
        {
            case AttributeKind.Text: writer.WriteMember("\"stringValue\":"u8, Utf8Text.Cut(attribute.Text, valueLength)); break;
            case AttributeKind.Boolean: writer.Write(attribute.Boolean ? "\"boolValue\":true"u8 : "\"boolValue\":false"u8); break;
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
            case AttributeKind.Array when depth < AttributeValue.MaxDepth: WriteArray(ref writer, attribute.Elements, valueLength, depth + 1); break;
            case AttributeKind.Map when depth < AttributeValue.MaxDepth: WriteMap(ref writer, attribute.Elements, valueLength, depth + 1); break;
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
            writer.WriteAnyValue(element, valueLength, depth);
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
            writer.WriteKeyValue(key, value, valueLength, depth);
        }

        writer.Write("]}"u8);
    }

    /// <summary>Writes a member of an object; the name has its quotes, its colon and the comma before it.</summary>
    public static void WriteMember(ref this ByteWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        writer.Write(name);
        writer.WriteString(value);
    }

    public static void WriteMember(ref this ByteWriter writer, ReadOnlySpan<byte> name, long value)
    {
        writer.Write(name);
        writer.WriteNumber(value);
    }
}
