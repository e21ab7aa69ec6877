using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>Writes the values of JSON (RFC 8259) to a <see cref="ByteWriter"/>; its callers write the structure.</summary>
internal static class Json
{
    /// <summary>Writes <c>"text"</c>, escaped.</summary>
    public static void WriteString(ref this ByteWriter writer, ReadOnlySpan<char> text)
    {
        if (text.Length <= 16 * 1024)
        {
            var free = writer.Reserve(text.Length + 2);
            if (TryWritePlain(text, free[1..]))
            {
                free[0] = (byte)'"';
                free[text.Length + 1] = (byte)'"';
                writer.Advance(text.Length + 2);
                return;
            }
        }

        writer.Write((byte)'"');
        writer.WriteEscaped(text);
        writer.Write((byte)'"');
    }

    /// <summary>Writes <c>"key":</c>, with a comma before it unless it is the first of its object.</summary>
    public static void WriteKey(ref this ByteWriter writer, ReadOnlySpan<char> key)
    {
        writer.WriteComma();
        writer.WriteString(key);
        writer.Write((byte)':');
    }

    /// <summary>Writes a comma unless the next value is the first of its object or array.</summary>
    public static void WriteComma(ref this ByteWriter writer)
    {
        if (writer.Last is not ((byte)'{' or (byte)'[')) writer.Write((byte)',');
    }

    /// <summary>Writes a number, or one of the strings <c>"NaN"</c>, <c>"Infinity"</c>, <c>"-Infinity"</c>, for which JSON has no number.</summary>
    public static void WriteDouble(ref this ByteWriter writer, double value)
    {
        if (!double.IsFinite(value))
        {
            writer.Write(double.IsNaN(value) ? "\"NaN\""u8 : value > 0 ? "\"Infinity\""u8 : "\"-Infinity\""u8);
            return;
        }

        value.TryFormat(writer.Reserve(32), out var written, "R", CultureInfo.InvariantCulture);
        writer.Advance(written);
    }

    /// <summary>Writes standard base64 with padding, in quotes.</summary>
    public static void WriteBase64(ref this ByteWriter writer, ReadOnlySpan<byte> bytes)
    {
        var free = writer.Reserve(System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(bytes.Length) + 2);
        free[0] = (byte)'"';
        System.Buffers.Text.Base64.EncodeToUtf8(bytes, free[1..], out _, out var written);
        free[written + 1] = (byte)'"';
        writer.Advance(written + 2);
    }

    /// <summary>Writes a value as JSON, with its own type where JSON has one.</summary>
    public static void WriteValue(ref this ByteWriter writer, object? value, int valueLength, int depth = 0)
    {
        var sorted = AttributeValue.Classify(value);
        switch (sorted.Kind)
        {
            case AttributeKind.Text: writer.WriteString(Utf8Text.Cut(sorted.Text, valueLength)); break;
            case AttributeKind.Boolean: writer.Write(sorted.Boolean ? "true"u8 : "false"u8); break;
            case AttributeKind.Integer: writer.WriteNumber(sorted.Integer); break;
            case AttributeKind.Double: writer.WriteDouble(sorted.Double); break;
            case AttributeKind.Bytes: writer.WriteBase64(sorted.Bytes.AsSpan(0, Math.Min(sorted.Bytes.Length, valueLength))); break;
            case AttributeKind.Array when depth < AttributeValue.MaxDepth: WriteArray(ref writer, sorted.Elements, valueLength, depth + 1); break;
            case AttributeKind.Map when depth < AttributeValue.MaxDepth: WriteMap(ref writer, sorted.Elements, valueLength, depth + 1); break;
            default: writer.Write("null"u8); break;
        }
    }

    private static void WriteArray(ref ByteWriter writer, IEnumerable elements, int valueLength, int depth)
    {
        var count = 0;
        writer.Write((byte)'[');
        foreach (var element in elements)
        {
            if (++count > AttributeValue.MaxElements) break;
            writer.WriteComma();
            writer.WriteValue(element, valueLength, depth);
        }

        writer.Write((byte)']');
    }

    private static void WriteMap(ref ByteWriter writer, IEnumerable map, int valueLength, int depth)
    {
        var count = 0;
        writer.Write((byte)'{');
        foreach (var (key, value) in AttributeValue.Entries(map))
        {
            if (++count > AttributeValue.MaxElements) break;
            writer.WriteKey(key);
            writer.WriteValue(value, valueLength, depth);
        }

        writer.Write((byte)'}');
    }

    /// <summary>Writes the inside of a string.</summary>
    public static void WriteEscaped(ref this ByteWriter writer, ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            // In pieces, to keep the room that is reserved for the worst case small.
            var length = Math.Min(text.Length, 512);
            if (length < text.Length && char.IsHighSurrogate(text[length - 1])) length--;
            var piece = text[..length];
            text = text[length..];

            var free = writer.Reserve(length * 6);
            if (TryWritePlain(piece, free))
            {
                writer.Advance(length);
                continue;
            }

            var at = 0;
            for (var i = 0; i < piece.Length; i++)
            {
                var c = piece[i];
                if (c < 0x80)
                {
                    at += WriteEscapedByte(free[at..], (byte)c);
                    continue;
                }

                System.Text.Rune.DecodeFromUtf16(piece[i..], out var rune, out var used);
                at += rune.EncodeToUtf8(free[at..]);
                i += used - 1;
            }

            writer.Advance(at);
        }
    }

    /// <summary>Writes the inside of a string from text that is UTF-8 already.</summary>
    public static void WriteEscapedUtf8(ref this ByteWriter writer, ReadOnlySpan<byte> text)
    {
        foreach (var c in text)
        {
            var free = writer.Reserve(6);
            if (c < 0x80)
            {
                writer.Advance(WriteEscapedByte(free, c));
                continue;
            }

            free[0] = c;
            writer.Advance(1);
        }
    }

    private static int WriteEscapedByte(Span<byte> target, byte c)
    {
        switch (c)
        {
            case (byte)'"' or (byte)'\\':
                target[0] = (byte)'\\';
                target[1] = c;
                return 2;
            case (byte)'\n': "\\n"u8.CopyTo(target); return 2;
            case (byte)'\r': "\\r"u8.CopyTo(target); return 2;
            case (byte)'\t': "\\t"u8.CopyTo(target); return 2;
            case < 0x20 or 0x7F:
                "\\u00"u8.CopyTo(target);
                target[4] = "0123456789abcdef"u8[c >> 4];
                target[5] = "0123456789abcdef"u8[c & 15];
                return 6;
            default:
                target[0] = c;
                return 1;
        }
    }

    // Writes text in which no character needs an escape or more than one byte. Returns false for any other; the target is then undefined.
    private static bool TryWritePlain(ReadOnlySpan<char> text, Span<byte> target) =>
        Utf8Text.TryNarrow<Plain>(text, ref MemoryMarshal.GetReference(target[..text.Length]));

    /// <summary>Finds the characters that JSON escapes, or that take more than one byte.</summary>
    public readonly struct Plain : Utf8Text.IRule
    {
        public static Vector128<ushort> Find(Vector128<ushort> chars) =>
            Vector128.GreaterThan(chars - Vector128.Create((ushort)0x20), Vector128.Create((ushort)(0x7E - 0x20)))
            | Vector128.Equals(chars, Vector128.Create((ushort)'"'))
            | Vector128.Equals(chars, Vector128.Create((ushort)'\\'));
    }
}
