using System.Buffers;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation.W3C;

// tracestate (all fields of a request are one list, in order):
//   list   = member 0*31( OWS "," OWS member )          empty members are legal and dropped
//   member = key "=" value
//   key    = ( a-z / 0-9 ) 0*255( a-z / 0-9 / "_" "-" "*" "/" "@" )
//   value  = 0*255( %x20-2B / %x2D-3C / %x3E-7E ) nblk-chr     blanks inside are kept, blanks at the end are not part of it
// One invalid member or a 33rd one drops the list, but not the traceparent. Of equal keys the left-most is kept.
// A list above the limit is cut by whole members: first the large ones, from the right, then the right-most.
// https://www.w3.org/TR/trace-context-2/#tracestate-header
internal static class TraceStateList
{
    public const string HeaderName = "tracestate";

    /// <summary>Characters of a list that is kept and written: the least that the specification asks every service to propagate.</summary>
    private const int MaxLength = 512;

    private const int MaxMembers = 32;
    private const int MaxKeyLength = 256;
    private const int MaxValueLength = 256;
    // The longest list that the grammar allows has 32 * 513 + 31 characters. A longer one is not read.
    private const int MaxRawLength = 16_384;
    // Members longer than this are cut first.
    private const int LargeMember = 128;

    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-*/@");

    // Visible ASCII and the blank, without the comma and the equals sign.
    private static readonly SearchValues<char> ValueCharacters = SearchValues.Create(
        " !\"#$%&'()*+-./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>Whether a tracestate came with nothing in it, as Envoy's OpenTelemetry tracer writes it for a trace that it starts.</summary>
    public static bool IsPresentButEmpty(StringValues fields)
    {
        if (fields.Count == 0) return false;
        foreach (var field in fields)
        {
            if (!HeaderText.Trim(field).IsEmpty) return false;
        }

        return true;
    }

    /// <summary>The list in its normal form; null when there is none or it is invalid.</summary>
    public static string? Normalize(StringValues fields)
    {
        Span<Member> members = stackalloc Member[MaxMembers];
        return TrySplit(fields, members, out var count) ? Join(default, fields, members[..count]) : null;
    }

    /// <summary>The same without the state that the marker holds, and the marker as it came.</summary>
    public static string? Normalize(StringValues fields, out Marker marker)
    {
        marker = default;
        if (fields.Count == 0) return null;
        // What a neighbour with this library sends, unless another vendor takes part.
        if (fields is [{ } only] && Marker.TryReadAlone(only, out marker)) return only;
        var list = Normalize(fields);
        marker = Marker.Find(list);
        return marker.IsDebug || marker.IsUndecided ? WithState(list, marker, SamplingState.Accept) : list;
    }

    /// <summary>The list as it is sent: the marker with the span id first, in place of an older marker. It is left out where it would push another member out, unless it says debug.</summary>
    /// <remarks>User code can write anything into an Activity's tracestate: an invalid list is dropped here too.</remarks>
    public static string WithMarker(string? list, string spanId, bool isDebug)
    {
        Span<char> own = stackalloc char[Marker.MaxLength];
        own = own[..Marker.Write(own, spanId, isDebug ? SamplingState.Debug : SamplingState.Accept)];
        return WithMember(Marker.Key, own, list, mayPushOut: isDebug)!;
    }

    /// <summary>The list as an <see cref="System.Diagnostics.ActivityContext"/> holds it: the marker says debug or undecided, which its flags cannot.</summary>
    public static string? WithState(string? list, SamplingState state) => WithState(list, Marker.Find(list), state);

    /// <summary>The list of an <see cref="System.Diagnostics.ActivityContext"/> as it is sent: in its normal form, and never undecided.</summary>
    public static string? ToSend(string? list)
    {
        var normal = Normalize(list);
        return Marker.Find(normal).IsUndecided ? WithState(normal, SamplingState.Accept) : normal;
    }

    /// <summary>The list with one member replaced; the new one stands first.</summary>
    /// <param name="key">The key of the member, with the equals sign.</param>
    /// <param name="own">The new member; empty for none.</param>
    /// <param name="list">The list so far.</param>
    /// <param name="mayPushOut">Whether the right-most members give way where there is no room. Otherwise the new member is left out there.</param>
    public static string? WithMember(string key, ReadOnlySpan<char> own, string? list, bool mayPushOut)
    {
        // No list, or an older member and nothing else.
        if (list is null || (list.StartsWith(key, StringComparison.Ordinal) && !list.Contains(',')))
        {
            return own.IsEmpty ? null : new string(own);
        }

        Span<Member> members = stackalloc Member[MaxMembers];
        if (!TrySplit(list, members, out var count)) count = 0;
        for (var i = 0; i < count; i++)
        {
            if (!list.AsSpan(members[i].Start).StartsWith(key)) continue;
            RemoveAt(members, i, ref count);
            break;
        }

        // Exact lengths are needed only near the limit.
        if (!own.IsEmpty && !mayPushOut && (count == MaxMembers || list.Length + 1 + own.Length > MaxLength))
        {
            var length = LengthOf(members[..count]);
            if (length > MaxLength) Truncate(members, ref count, ref length);
            if (count == MaxMembers || (count > 0 && length + 1 + own.Length > MaxLength)) own = default;
        }

        // A 33rd member pushes the right-most out.
        if (!own.IsEmpty && count == MaxMembers) count--;
        return Join(own, list, members[..count]);
    }

    private static string? WithState(string? list, in Marker marker, SamplingState state)
    {
        if (marker.IsDebug == (state == SamplingState.Debug) && marker.IsUndecided == (state == SamplingState.Defer)) return list;
        Span<char> spanId = stackalloc char[marker.SpanId == 0 ? 0 : 16];
        if (marker.SpanId != 0) Hex.WriteUInt64(marker.SpanId, spanId);
        Span<char> own = stackalloc char[Marker.MaxLength];
        return WithMember(Marker.Key, own[..Marker.Write(own, spanId, state)], list, mayPushOut: state is SamplingState.Debug or SamplingState.Defer);
    }

    private static bool TrySplit(StringValues fields, Span<Member> members, out int count)
    {
        count = 0;
        if (LengthOf(fields) > MaxRawLength) return false;
        var seen = 0;
        for (var i = 0; i < fields.Count; i++)
        {
            var field = fields[i].AsSpan();
            var start = 0;
            while (true)
            {
                // Skips empty members and the blanks before the next one.
                if (start < field.Length && field[start] is ',' or ' ' or '\t')
                {
                    var blanks = field[start..].IndexOfAnyExcept(',', ' ', '\t');
                    if (blanks < 0) break;
                    start += blanks;
                }

                if (start >= field.Length) break;
                if (++seen > MaxMembers || !TryReadMember(field[start..], out var key, out var length, out var end)) return false;
                if (!IsDuplicate(fields, members[..count], field.Slice(start, key + 1))) members[count++] = new Member((ushort)i, (ushort)start, (ushort)length);
                start += end;
            }
        }

        return true;
    }

    // A part ends at the first character that it may not contain, so one search both finds its end and validates it.
    private static bool TryReadMember(ReadOnlySpan<char> text, out int key, out int length, out int end)
    {
        (length, end) = (0, 0);
        key = 0;
        // Keys are short: a vectorised search costs more to set up than this loop.
        while (key < text.Length && key <= MaxKeyLength && KeyCharacters.Contains(text[key])) key++;
        if (key is 0 or > MaxKeyLength || key == text.Length || text[key] != '=' || !char.IsAsciiLetterOrDigit(text[0])) return false;

        var value = text[(key + 1)..].IndexOfAnyExcept(ValueCharacters);
        end = value < 0 ? text.Length : key + 1 + value;
        length = end;
        while (text[length - 1] == ' ') length--;
        if (length - key - 1 is < 1 or > MaxValueLength) return false;

        // A tab is not part of a value, but it may stand among the blanks before the comma.
        if (end < text.Length && text[end] == '\t')
        {
            var blanks = text[end..].IndexOfAnyExcept(' ', '\t');
            end = blanks < 0 ? text.Length : end + blanks;
        }

        return end == text.Length || text[end] == ',';
    }

    private static int LengthOf(StringValues fields)
    {
        var length = fields.Count - 1;
        foreach (var field in fields) length += field?.Length ?? 0;
        return length;
    }

    // With the commas between them; -1 for no member, so that one more adds its own length and a comma less.
    private static int LengthOf(ReadOnlySpan<Member> members)
    {
        var length = -1;
        foreach (var member in members) length += 1 + member.Length;
        return length;
    }

    private static bool IsDuplicate(StringValues fields, ReadOnlySpan<Member> earlier, ReadOnlySpan<char> keyWithEquals)
    {
        foreach (var member in earlier)
        {
            if (member.TextIn(fields).StartsWith(keyWithEquals)) return true;
        }

        return false;
    }

    private static string? Join(ReadOnlySpan<char> own, StringValues fields, Span<Member> members)
    {
        var count = members.Length;
        var length = LengthOf(members) + (own.IsEmpty ? 0 : own.Length + 1);
        if (length > MaxLength) Truncate(members, ref count, ref length);
        if (length <= 0) return null;
        if (own.IsEmpty && fields is [{ } only] && only.Length == length) return only;
        return string.Create(length, new Parts(own, fields, members[..count]), static (text, parts) =>
        {
            parts.Own.CopyTo(text);
            var at = parts.Own.Length;
            foreach (var member in parts.Members)
            {
                if (at > 0) text[at++] = ',';
                member.TextIn(parts.Fields).CopyTo(text[at..]);
                at += member.Length;
            }
        });
    }

    private static void Truncate(Span<Member> members, ref int count, ref int length)
    {
        foreach (var atLeast in (ReadOnlySpan<int>)[LargeMember + 1, 0])
        {
            for (var i = count - 1; i >= 0 && length > MaxLength; i--)
            {
                if (members[i].Length < atLeast) continue;
                length -= members[i].Length + 1;
                RemoveAt(members, i, ref count);
            }
        }
    }

    private static void RemoveAt(Span<Member> members, int index, ref int count)
    {
        members[(index + 1)..count].CopyTo(members[index..]);
        count--;
    }

    // The place of a member, so that nothing is copied before the whole list is known to be valid. MaxRawLength bounds all three numbers.
    private readonly record struct Member(ushort Field, ushort Start, ushort Length)
    {
        public ReadOnlySpan<char> TextIn(StringValues fields) => fields[Field].AsSpan(Start, Length);
    }

    private readonly ref struct Parts(ReadOnlySpan<char> own, StringValues fields, ReadOnlySpan<Member> members)
    {
        public readonly ReadOnlySpan<char> Own = own;
        public readonly StringValues Fields = fields;
        public readonly ReadOnlySpan<Member> Members = members;
    }
}
