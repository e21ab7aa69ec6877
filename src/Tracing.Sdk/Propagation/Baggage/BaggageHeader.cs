using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation.Baggage;

// baggage (all fields are one list, in order):
//   list     = member 0*179( OWS "," OWS member )          empty members are skipped
//   member   = key OWS "=" OWS value *( OWS ";" OWS property )
//   property = key OWS [ "=" OWS value ]
//   key      = token of RFC 9110; never percent-encoded
//   value    = *( %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E ), percent-encoded UTF-8
// A malformed member is dropped alone. Of equal keys the last value is kept, in the place of the first. Members beyond the 180th, or beyond
// 8192 characters, are not read; a percent sign without two hex digits stands for itself.
// https://www.w3.org/TR/baggage/
internal static class BaggageHeader
{
    public const string HeaderName = "baggage";

    private const int MaxMembers = 180;
    private const int MaxLength = 8192;

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // Visible ASCII without the quote, comma, semicolon and backslash.
    private static readonly SearchValues<char> ValueCharacters =
        SearchValues.Create("!#$%&'()*+-./0123456789:<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    // The same without the percent sign.
    private static readonly SearchValues<char> PlainCharacters =
        SearchValues.Create("!#$&'()*+-./0123456789:<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>The valid members; null when there are none. <paramref name="dropped"/> counts the invalid ones.</summary>
    public static List<BaggageMember>? Parse(StringValues fields, out int dropped)
    {
        dropped = 0;
        List<BaggageMember>? entries = null;
        var members = 0;
        // The position of the field in the combined header, in which a comma stands between two fields.
        var offset = 0;
        for (var i = 0; i < fields.Count; i++)
        {
            var field = fields[i].AsSpan();
            var start = 0;
            while (true)
            {
                // Skips empty members and the blanks before the next one.
                var blank = field[start..].IndexOfAnyExcept(',', ' ', '\t');
                if (blank < 0) break;
                start += blank;
                var comma = field[start..].IndexOf(',');
                var member = HeaderText.Trim(comma < 0 ? field[start..] : field.Slice(start, comma));
                if (++members > MaxMembers || offset + start + member.Length > MaxLength)
                {
                    dropped++;
                    return entries;
                }

                if (!TryAdd(member, ref entries)) dropped++;
                if (comma < 0) break;
                start += comma + 1;
            }

            offset += field.Length + 1;
        }

        return entries;
    }

    /// <summary>The header for the entries whose keys match: all baggage that leaves is filtered here. Whole members up to the limits; null when none remains.</summary>
    public static string? Format(IReadOnlyList<BaggageMember> entries, IReadOnlyList<string> keys)
    {
        var text = new DefaultInterpolatedStringHandler(0, 0, null, stackalloc char[256]);
        var (members, length) = (0, 0);
        for (var i = 0; i < entries.Count && members < MaxMembers; i++)
        {
            var entry = entries[i];
            if (!IsToken(entry.Key) || !NamePatterns.Match(keys, entry.Key)) continue;
            if (length > 0) text.AppendLiteral(",");
            text.AppendLiteral(entry.Key);
            text.AppendLiteral("=");
            AppendEncoded(ref text, entry.Value);
            if (!string.IsNullOrEmpty(entry.Properties))
            {
                text.AppendLiteral(";");
                text.AppendLiteral(entry.Properties);
            }

            if (text.Text.Length > MaxLength) break;
            members++;
            length = text.Text.Length;
        }

        var header = length == 0 ? null : new string(text.Text[..length]);
        text.Clear();
        return header;
    }

    private static bool TryAdd(ReadOnlySpan<char> member, ref List<BaggageMember>? entries)
    {
        var semicolon = member.IndexOf(';');
        var pair = semicolon < 0 ? member : member[..semicolon];
        var equals = pair.IndexOf('=');
        if (equals < 0) return false;
        var key = HeaderText.Trim(pair[..equals]);
        var value = HeaderText.Trim(pair[(equals + 1)..]);
        if (!IsToken(key) || value.ContainsAnyExcept(ValueCharacters)) return false;
        var properties = semicolon < 0 ? default : member[(semicolon + 1)..];
        if (semicolon >= 0 && !AreProperties(properties)) return false;

        var entry = new BaggageMember(key.ToString(), Decode(value), properties.IsEmpty ? "" : WithoutBlanks(properties));
        entries ??= [];
        var known = IndexOf(entries, key);
        if (known < 0) entries.Add(entry);
        else entries[known] = entry;
        return true;
    }

    private static int IndexOf(List<BaggageMember> entries, ReadOnlySpan<char> key)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            if (key.SequenceEqual(entries[i].Key)) return i;
        }

        return -1;
    }

    private static bool AreProperties(ReadOnlySpan<char> text)
    {
        while (true)
        {
            var semicolon = text.IndexOf(';');
            var property = semicolon < 0 ? text : text[..semicolon];
            var equals = property.IndexOf('=');
            if (!IsToken(HeaderText.Trim(equals < 0 ? property : property[..equals]))) return false;
            if (equals >= 0 && HeaderText.Trim(property[(equals + 1)..]).ContainsAnyExcept(ValueCharacters)) return false;
            if (semicolon < 0) return true;
            text = text[(semicolon + 1)..];
        }
    }

    // Kept as one string: a list of property objects would take a hundred times the memory of the header.
    // In valid properties blanks stand beside ";" and "=" only, where they have no meaning.
    private static string WithoutBlanks(ReadOnlySpan<char> properties) =>
        properties.IndexOfAny(' ', '\t') < 0
            ? properties.ToString()
            : properties.ToString().Replace(" ", "", StringComparison.Ordinal).Replace("\t", "", StringComparison.Ordinal);

    private static bool IsToken(ReadOnlySpan<char> key) => !key.IsEmpty && !key.ContainsAnyExcept(TokenCharacters);

    private static string Decode(ReadOnlySpan<char> value)
    {
        if (!value.Contains('%')) return value.ToString();
        var rented = ArrayPool<byte>.Shared.Rent(value.Length);
        var length = 0;
        while (!value.IsEmpty)
        {
            if (value is ['%', var high, var low, ..] && char.IsAsciiHexDigit(high) && char.IsAsciiHexDigit(low))
            {
                rented[length++] = (byte)((ValueOf(high) << 4) | ValueOf(low));
                value = value[3..];
            }
            else
            {
                rented[length++] = (byte)value[0];
                value = value[1..];
            }
        }

        var decoded = Encoding.UTF8.GetString(rented, 0, length);
        ArrayPool<byte>.Shared.Return(rented);
        return decoded;

        static int ValueOf(char digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
    }

    private static void AppendEncoded(ref DefaultInterpolatedStringHandler text, ReadOnlySpan<char> value)
    {
        Span<byte> utf8 = stackalloc byte[4];
        while (true)
        {
            var length = value.IndexOfAnyExcept(PlainCharacters);
            text.AppendFormatted(length < 0 ? value : value[..length]);
            // Above the limit the whole member will be dropped.
            if (length < 0 || text.Text.Length > MaxLength) return;
            _ = Rune.DecodeFromUtf16(value[length..], out var rune, out var consumed);
            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                text.AppendLiteral("%");
                text.AppendFormatted(b, "X2");
            }

            value = value[(length + consumed)..];
        }
    }
}

/// <summary>One entry of W3C Baggage.</summary>
/// <param name="Key">A token; never percent-encoded.</param>
/// <param name="Value">The decoded value.</param>
/// <param name="Properties">Everything after the first semicolon, validated and otherwise opaque; empty for none.</param>
internal readonly record struct BaggageMember(string Key, string Value, string Properties);
