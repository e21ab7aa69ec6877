using System.Buffers;
using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

// baggage (all fields are one list, in order):
//   list     = member 0*179( OWS "," OWS member )          empty members are skipped
//   member   = key OWS "=" OWS value *( OWS ";" OWS property )
//   property = key OWS [ "=" OWS value ]
//   key      = token of RFC 9110; never percent-encoded
//   value    = *( %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E ), percent-encoded UTF-8
// A malformed member is dropped alone. Of equal keys the last value stays, in the place of the first. Whatever begins after 180 members
// or 8192 characters is not read; a percent sign without two hex digits stands for itself.
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

    /// <summary>The entries that came in; null when there are none. <paramref name="dropped"/> counts the members that were not.</summary>
    public static List<BaggageMember>? Parse(StringValues fields, out int dropped)
    {
        dropped = 0;
        List<BaggageMember>? entries = null;
        var members = 0;
        var offset = 0;
        for (var i = 0; i < fields.Count; i++)
        {
            var rest = fields[i].AsSpan();
            if (i > 0) offset++;
            while (!rest.IsEmpty)
            {
                var comma = rest.IndexOf(',');
                var member = comma < 0 ? rest : rest[..comma];
                offset += member.Length;
                rest = comma < 0 ? default : rest[(comma + 1)..];

                var text = HeaderText.Trim(member);
                if (!text.IsEmpty)
                {
                    if (++members > MaxMembers || offset > MaxLength)
                    {
                        dropped++;
                        return entries;
                    }

                    if (!TryAdd(text, ref entries)) dropped++;
                }

                if (comma < 0) break;
                if (++offset > MaxLength) return entries;
            }
        }

        return entries;
    }

    /// <summary>The header for these entries, whole members up to the limits; null when nothing is left to say.</summary>
    public static string? Format(IReadOnlyList<BaggageMember> entries)
    {
        var text = new ValueText(stackalloc char[256]);
        var members = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            if (!IsToken(entry.Key)) continue;
            var start = text.Length;
            if (start > 0) text.Append(',');
            text.Append(entry.Key);
            text.Append('=');
            AppendEncoded(ref text, entry.Value);
            if (!string.IsNullOrEmpty(entry.Properties))
            {
                text.Append(';');
                text.Append(entry.Properties);
            }

            if (++members > MaxMembers || text.Length > MaxLength)
            {
                text.Length = start;
                break;
            }
        }

        return text.ToStringAndReturn();
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
        var properties = "";
        if (semicolon >= 0 && !TryReadProperties(member[(semicolon + 1)..], out properties)) return false;

        var entry = new BaggageMember(key.ToString(), Decode(value), properties);
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

    // Kept as one slice: a list of property objects would turn 8 KB of header into a hundred times as much memory.
    private static bool TryReadProperties(ReadOnlySpan<char> text, out string properties)
    {
        properties = "";
        if (text.Length > MaxLength) return false;
        var buffer = ArrayPool<char>.Shared.Rent(text.Length);
        try
        {
            var length = 0;
            while (true)
            {
                var semicolon = text.IndexOf(';');
                var property = HeaderText.Trim(semicolon < 0 ? text : text[..semicolon]);
                var equals = property.IndexOf('=');
                var key = equals < 0 ? property : HeaderText.Trim(property[..equals]);
                if (!IsToken(key)) return false;
                if (length > 0) buffer[length++] = ';';
                key.CopyTo(buffer.AsSpan(length));
                length += key.Length;
                if (equals >= 0)
                {
                    var value = HeaderText.Trim(property[(equals + 1)..]);
                    if (value.ContainsAnyExcept(ValueCharacters)) return false;
                    buffer[length++] = '=';
                    value.CopyTo(buffer.AsSpan(length));
                    length += value.Length;
                }

                if (semicolon < 0) break;
                text = text[(semicolon + 1)..];
            }

            properties = new string(buffer, 0, length);
            return true;
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    private static bool IsToken(ReadOnlySpan<char> key) => !key.IsEmpty && !key.ContainsAnyExcept(TokenCharacters);

    private static string Decode(ReadOnlySpan<char> value)
    {
        if (!value.Contains('%')) return value.ToString();
        var bytes = ArrayPool<byte>.Shared.Rent(value.Length);
        try
        {
            var length = 0;
            for (var i = 0; i < value.Length; i++)
            {
                if (value[i] == '%' && i + 2 < value.Length && char.IsAsciiHexDigit(value[i + 1]) && char.IsAsciiHexDigit(value[i + 2]))
                {
                    bytes[length++] = (byte)((FromHex(value[i + 1]) << 4) | FromHex(value[i + 2]));
                    i += 2;
                }
                else
                {
                    bytes[length++] = (byte)value[i];
                }
            }

            return System.Text.Encoding.UTF8.GetString(bytes, 0, length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }

        static int FromHex(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    }

    private static void AppendEncoded(ref ValueText text, string value)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune.IsAscii && rune.Value != '%' && ValueCharacters.Contains((char)rune.Value))
            {
                text.Append((char)rune.Value);
                continue;
            }

            var count = rune.EncodeToUtf8(utf8);
            foreach (var b in utf8[..count])
            {
                text.Append('%');
                text.Append(UpperHex(b >> 4));
                text.Append(UpperHex(b & 0xF));
            }

            // Far over the limit already: the member will be dropped whole.
            if (text.Length > 2 * MaxLength) return;
        }

        static char UpperHex(int digit) => (char)(digit < 10 ? '0' + digit : 'A' + digit - 10);
    }

    // A string under construction that starts on the stack.
    private ref struct ValueText(Span<char> start)
    {
        private Span<char> _chars = start;
        private char[]? _rented;

        public int Length { get; set; }

        public void Append(char c)
        {
            if (Length == _chars.Length) Grow(1);
            _chars[Length++] = c;
        }

        public void Append(string s)
        {
            if (Length + s.Length > _chars.Length) Grow(s.Length);
            s.CopyTo(_chars[Length..]);
            Length += s.Length;
        }

        public string? ToStringAndReturn()
        {
            var result = Length == 0 ? null : new string(_chars[..Length]);
            if (_rented is not null) ArrayPool<char>.Shared.Return(_rented);
            return result;
        }

        private void Grow(int more)
        {
            var larger = ArrayPool<char>.Shared.Rent(Math.Max(_chars.Length * 2, Length + more));
            _chars[..Length].CopyTo(larger);
            if (_rented is not null) ArrayPool<char>.Shared.Return(_rented);
            _chars = _rented = larger;
        }
    }
}
