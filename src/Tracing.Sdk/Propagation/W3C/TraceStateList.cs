using System.Buffers;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation.W3C;

// tracestate (all fields of a request are one list, in order):
//   list   = member 0*31( OWS "," OWS member )          empty members are legal and dropped
//   member = key "=" value
//   key    = ( a-z / 0-9 ) 0*255( a-z / 0-9 / "_" "-" "*" "/" "@" )
//   value  = 0*255( %x20-2B / %x2D-3C / %x3E-7E ) nblk-chr     blanks inside are kept, at the end they are not part of it
// One invalid member or a 33rd one drops the list and never the traceparent. Of equal keys the left-most stays.
// What we keep is cut to a limit by whole members: first the large ones, from the right, then whatever stands at the right end.
// https://www.w3.org/TR/trace-context-2/#tracestate-header
internal static class TraceStateList
{
    public const string HeaderName = "tracestate";

    /// <summary>What we keep, and write, of a combined list: as many characters as the specification asks everybody to carry.</summary>
    public const int DefaultLimit = 512;

    private const int MaxMembers = 32;
    private const int MaxKeyLength = 256;
    private const int MaxValueLength = 256;
    // The largest list that the grammar allows is 32 * 513 + 31; anything longer is not worth reading.
    private const int MaxRawLength = 16_384;
    // Truncation takes members longer than this first.
    private const int LargeMember = 128;

    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-*/@");

    // Visible ASCII and the blank, but for the comma and the equals sign.
    private static readonly SearchValues<char> ValueCharacters = SearchValues.Create(
        " !\"#$%&'()*+-./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>Whether a tracestate arrived with nothing in it, which is how Envoy's OpenTelemetry tracer signs a trace of its own.</summary>
    public static bool IsPresentButEmpty(StringValues fields)
    {
        if (fields.Count == 0) return false;
        foreach (var field in fields)
        {
            if (!HeaderText.Trim(field).IsEmpty) return false;
        }

        return true;
    }

    /// <summary>The list in its normal form, at most <paramref name="limit"/> characters; null when there is none or it is invalid.</summary>
    public static string? Normalize(StringValues fields, int limit = DefaultLimit)
    {
        Span<Member> members = stackalloc Member[MaxMembers];
        return TrySplit(fields, members, out var count) ? Join(default, fields, members[..count], limit) : null;
    }

    /// <summary>The same, and what our member of it says.</summary>
    public static string? Normalize(StringValues fields, int limit, out MeshMember member)
    {
        // From a neighbour that runs this library comes our member and nothing else.
        if (fields is [{ } only] && only.Length <= limit && MeshMember.TryReadAlone(only, out member)) return only;
        var list = fields.Count == 0 ? null : Normalize(fields, limit);
        member = list is null ? default : MeshMember.Find(list);
        return list;
    }

    /// <summary>
    /// The list with our member at its left in place of any older one of ours. A member that carries no state is left out where it would
    /// push another one out; a member that says debug makes room as the specification asks.
    /// </summary>
    /// <remarks>User code can write anything into an Activity's tracestate: what is no list is dropped here too.</remarks>
    public static string WithMeshMember(string? list, string spanId, bool isDebug, int limit = DefaultLimit)
    {
        Span<char> own = stackalloc char[MeshMember.MaxLength];
        own = own[..MeshMember.Write(own, spanId, isDebug ? SamplingState.Debug : SamplingState.Accept)];
        return WithOwn(own, list, limit, mayPushOut: isDebug)!;
    }

    /// <summary>Notes inside the process that a trace is debug or undecided: tracestate is what reaches the sampler and the children.</summary>
    public static string? WithState(string? list, SamplingState state, int limit = DefaultLimit) =>
        WithState(list, MeshMember.Find(list), state, limit);

    /// <summary>The same for a list of which our member is known.</summary>
    public static string? WithState(string? list, in MeshMember member, SamplingState state, int limit = DefaultLimit) =>
        member.IsDebug == (state == SamplingState.Debug) && member.IsUndecided == (state == SamplingState.Defer)
            ? list
            : WithOtherState(list, member, state, limit);

    /// <summary>The list as others may see it: in its normal form, and not a word about what is undecided inside this process.</summary>
    public static string? ToSend(string? list, int limit = DefaultLimit)
    {
        var normal = Normalize(list, limit);
        return MeshMember.Find(normal).IsUndecided ? WithState(normal, SamplingState.Accept, limit) : normal;
    }

    private static string? WithOtherState(string? list, in MeshMember member, SamplingState state, int limit)
    {
        Span<char> spanId = stackalloc char[member.SpanId == 0 ? 0 : 16];
        if (member.SpanId != 0) Hex.WriteUInt64(member.SpanId, spanId);
        Span<char> own = stackalloc char[MeshMember.MaxLength];
        return WithOwn(own[..MeshMember.Write(own, spanId, state)], list, limit, mayPushOut: state is SamplingState.Debug or SamplingState.Defer);
    }

    private static string? WithOwn(ReadOnlySpan<char> own, string? list, int limit, bool mayPushOut)
    {
        // What comes from the neighbour that runs this library is our member and nothing else.
        if (list is null || (list.StartsWith(MeshMember.Key, StringComparison.Ordinal) && !list.Contains(',')))
        {
            return own.IsEmpty ? null : new string(own);
        }

        Span<Member> members = stackalloc Member[MaxMembers];
        if (!TrySplit(list, members, out var count)) count = 0;
        for (var i = 0; i < count; i++)
        {
            if (!list.AsSpan(members[i].Start).StartsWith(MeshMember.Key)) continue;
            RemoveAt(members, i, ref count);
            break;
        }

        // Most lists are short.
        if (!own.IsEmpty && !mayPushOut && (count == MaxMembers || list.Length + 1 + own.Length > limit))
        {
            var length = LengthOf(members[..count]);
            if (length > limit) Truncate(members, ref count, ref length, limit);
            if (count == MaxMembers || (count > 0 && length + 1 + own.Length > limit)) own = default;
        }

        // A 33rd member pushes the right-most out.
        if (!own.IsEmpty && count == MaxMembers) count--;
        return Join(own, list, members[..count], limit);
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
                // Over empty members and the blanks before the next one.
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

    // The end of a part is the first character that may not stand in it: one look finds the end and that all before it is allowed.
    private static bool TryReadMember(ReadOnlySpan<char> text, out int key, out int length, out int end)
    {
        (length, end) = (0, 0);
        key = 0;
        // Keys are short: a vectorised search would take longer to begin than this to end.
        while (key < text.Length && key <= MaxKeyLength && KeyCharacters.Contains(text[key])) key++;
        if (key is 0 or > MaxKeyLength || key == text.Length || text[key] != '=' || !char.IsAsciiLetterOrDigit(text[0])) return false;

        var value = text[(key + 1)..].IndexOfAnyExcept(ValueCharacters);
        end = value < 0 ? text.Length : key + 1 + value;
        length = end;
        while (text[length - 1] == ' ') length--;
        if (length - key - 1 is < 1 or > MaxValueLength) return false;

        // Of all that is no part of a value only a tab may stand here, among the blanks before the comma.
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

    // With the commas between them; -1 for none, because the first one needs no comma.
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
            if (member.Of(fields).StartsWith(keyWithEquals)) return true;
        }

        return false;
    }

    private static string? Join(ReadOnlySpan<char> own, StringValues fields, Span<Member> members, int limit)
    {
        var count = members.Length;
        var length = LengthOf(members) + (own.IsEmpty ? 0 : own.Length + 1);
        if (length > limit) Truncate(members, ref count, ref length, limit);
        if (length <= 0) return null;
        if (own.IsEmpty && fields is [{ } only] && only.Length == length) return only;
        return string.Create(length, new Parts(own, fields, members[..count]), static (text, parts) =>
        {
            parts.Own.CopyTo(text);
            var at = parts.Own.Length;
            foreach (var member in parts.Members)
            {
                if (at > 0) text[at++] = ',';
                member.Of(parts.Fields).CopyTo(text[at..]);
                at += member.Length;
            }
        });
    }

    private static void Truncate(Span<Member> members, ref int count, ref int length, int limit)
    {
        foreach (var atLeast in (ReadOnlySpan<int>)[LargeMember + 1, 0])
        {
            for (var i = count - 1; i >= 0 && length > limit; i--)
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

    // Where a member stands, so that nothing is copied before the whole list is known to be valid. The raw length bounds all three.
    private readonly record struct Member(ushort Field, ushort Start, ushort Length)
    {
        public ReadOnlySpan<char> Of(StringValues fields) => fields[Field].AsSpan(Start, Length);
    }

    private readonly ref struct Parts(ReadOnlySpan<char> own, StringValues fields, ReadOnlySpan<Member> members)
    {
        public readonly ReadOnlySpan<char> Own = own;
        public readonly StringValues Fields = fields;
        public readonly ReadOnlySpan<Member> Members = members;
    }
}
