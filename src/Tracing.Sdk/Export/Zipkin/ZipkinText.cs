using System.Runtime.CompilerServices;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Zipkin;

/// <summary>Writes strings that a Zipkin server stores and returns unharmed.</summary>
internal static class ZipkinText
{
    // The server takes a body that contains the bytes yAnnotations" for its older format, and refuses it.
    private const string OldFormatMark = "yAnnotations";

    public static void Write(ref ByteWriter writer, ReadOnlySpan<char> text)
    {
        // Beside another character that is not ASCII, the server miscounts these two and returns the span as broken JSON.
        if (text.IndexOfAny('\u2028', '\u2029') >= 0) text = text.ToString().Replace('\u2028', '\n').Replace('\u2029', '\n');
        if (!EndsWithMark(text))
        {
            writer.WriteString(text);
            return;
        }

        writer.Write((byte)'"');
        writer.WriteEscaped(text[..^OldFormatMark.Length]);
        writer.Write("\\u0079Annotations\""u8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool EndsWithMark(ReadOnlySpan<char> text) =>
        text.Length >= OldFormatMark.Length && text[^1] == 's' && text.EndsWith(OldFormatMark, StringComparison.Ordinal);

    // The first two of the three bytes of U+2028 and U+2029.
    private static ReadOnlySpan<byte> Separators => [0xE2, 0x80];

    /// <summary>Writes a string whose text is JSON, in UTF-8.</summary>
    public static void Write(ref ByteWriter writer, ReadOnlySpan<byte> utf8)
    {
        writer.Write((byte)'"');
        // As above, but the text is itself JSON, in which a line feed is escaped.
        for (int at; (at = utf8.IndexOf(Separators)) >= 0; utf8 = utf8[(at + Separators.Length)..])
        {
            writer.WriteEscapedUtf8(utf8[..at]);
            if (utf8[at + Separators.Length] is not (0xA8 or 0xA9))
            {
                writer.Write(Separators);
                continue;
            }

            writer.Write("\\\\n"u8);
            utf8 = utf8[1..];
        }

        writer.WriteEscapedUtf8(utf8);
        writer.Write((byte)'"');
    }
}
