using System.Buffers;
using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

// tracestate (all fields of a request are one list, in order):
//   list   = member 0*31( OWS "," OWS member )          empty members are legal and dropped
//   member = key "=" value
//   key    = ( a-z / 0-9 ) 0*255( a-z / 0-9 / "_" "-" "*" "/" "@" )
//   value  = 0*255( %x20-2B / %x2D-3C / %x3E-7E ) nblk-chr     blanks inside are kept, at the end they are not part of it
// One invalid member or a 33rd one drops the list and never the traceparent. Of equal keys the left-most stays.
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

    private static readonly SearchValues<char> ValueCharacters = SearchValues.Create(
        string.Create(93, 0, static (text, _) =>
        {
            var i = 0;
            for (var c = ' '; c <= '~'; c++)
            {
                if (c is not (',' or '=')) text[i++] = c;
            }
        }));

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
        if (fields.Count == 0) return null;
        var raw = fields.Count == 1 ? fields[0] : Combine(fields);
        if (string.IsNullOrEmpty(raw) || raw.Length > MaxRawLength) return null;

        Span<Range> members = stackalloc Range[MaxMembers];
        if (!TrySplit(raw, members, out var count, out var length)) return null;
        if (count == 0) return null;
        members = members[..count];
        if (length > limit) count = Truncate(raw, members, length, limit, keepFirst: false, out length);
        if (count == 0) return null;
        return length == raw.Length ? raw : Join(raw, members, length);
    }

    /// <summary>The list with our member at its left in place of any older one of ours, truncated again as the limit asks.</summary>
    public static string WithMeshMember(string? list, string spanId, bool isDebug, int limit = DefaultLimit)
    {
        var own = string.Concat(MeshMember.Key, "p:", spanId, isDebug ? ";s:d" : "");
        return list is null ? own : Prepend(own, list, limit);
    }

    /// <summary>Notes inside the process that a trace is debug or undecided: tracestate is what reaches the sampler and the children.</summary>
    public static string? WithState(string? list, SamplingState state, int limit = DefaultLimit)
    {
        var member = MeshMember.Find(list);
        var (isDebug, isUndecided) = (state == SamplingState.Debug, state == SamplingState.Defer);
        if (member.IsDebug == isDebug && member.IsUndecided == isUndecided) return list;

        var marker = member.SpanId == 0 ? null : "p:" + Hex.ToString(member.SpanId);
        var mark = isDebug ? "s:d" : isUndecided ? "s:u" : null;
        var own = marker is null && mark is null ? null : MeshMember.Key + marker + (marker is null || mark is null ? "" : ";") + mark;
        var result = list is null ? own : Prepend(own, list, limit);
        return string.IsNullOrEmpty(result) ? null : result;
    }

    private static string? Combine(StringValues fields)
    {
        var length = fields.Count - 1;
        foreach (var field in fields) length += field?.Length ?? 0;
        return length > MaxRawLength ? null : string.Join(',', fields.ToArray());
    }

    private static string Prepend(string? own, string list, int limit)
    {
        Span<Range> members = stackalloc Range[MaxMembers + 1];
        var combined = own is null ? list : $"{own},{list}";
        var first = own is null ? 0 : 1;
        var count = first;
        var length = own?.Length ?? 0;
        if (own is not null) members[0] = ..own.Length;

        var start = own is null ? 0 : own.Length + 1;
        while (start < combined.Length)
        {
            var comma = combined.AsSpan(start).IndexOf(',');
            var end = comma < 0 ? combined.Length : start + comma;
            // A 33rd member pushes the right-most out.
            if (!combined.AsSpan(start, end - start).StartsWith(MeshMember.Key) && count < MaxMembers)
            {
                members[count++] = start..end;
                length += end - start + (count > 1 ? 1 : 0);
            }

            start = end + 1;
        }

        members = members[..count];
        if (length > limit) count = Truncate(combined, members, length, limit, keepFirst: own is not null, out length);
        if (count == 0) return "";
        return length == combined.Length ? combined : Join(combined, members, length);
    }

    private static bool TrySplit(string raw, Span<Range> members, out int count, out int length)
    {
        count = 0;
        length = 0;
        var seen = 0;
        var start = 0;
        while (start <= raw.Length)
        {
            var comma = raw.AsSpan(start).IndexOf(',');
            var end = comma < 0 ? raw.Length : start + comma;
            var (first, last) = (start, end);
            start = end + 1;
            while (first < last && raw[first] is ' ' or '\t') first++;
            while (last > first && raw[last - 1] is ' ' or '\t') last--;
            if (first == last) continue;

            if (++seen > MaxMembers) return false;
            var member = raw.AsSpan(first, last - first);
            var equals = member.IndexOf('=');
            if (!IsKey(member[..Math.Max(equals, 0)]) || !IsValue(member[(equals + 1)..])) return false;
            if (IsDuplicate(raw, members[..count], member[..(equals + 1)])) continue;
            members[count++] = first..last;
            length += last - first + (count > 1 ? 1 : 0);
        }

        return true;
    }

    private static bool IsKey(ReadOnlySpan<char> key) =>
        key.Length is > 0 and <= MaxKeyLength && char.IsAsciiLetterOrDigit(key[0]) && !key.ContainsAnyExcept(KeyCharacters);

    private static bool IsValue(ReadOnlySpan<char> value) =>
        value.Length is > 0 and <= MaxValueLength && !value.ContainsAnyExcept(ValueCharacters);

    private static bool IsDuplicate(string raw, ReadOnlySpan<Range> earlier, ReadOnlySpan<char> keyWithEquals)
    {
        foreach (var member in earlier)
        {
            if (raw.AsSpan(member).StartsWith(keyWithEquals)) return true;
        }

        return false;
    }

    // Whole members only: first the large ones, from the right, then whatever stands at the right end.
    private static int Truncate(string raw, Span<Range> members, int length, int limit, bool keepFirst, out int newLength)
    {
        var count = members.Length;
        var stop = keepFirst ? 1 : 0;
        for (var large = 1; large >= 0; large--)
        {
            for (var i = count - 1; i >= stop && length > limit; i--)
            {
                var size = members[i].End.Value - members[i].Start.Value;
                if (large == 1 && size <= LargeMember) continue;
                members[(i + 1)..count].CopyTo(members[i..]);
                count--;
                length -= size + (count > 0 ? 1 : 0);
            }
        }

        newLength = length;
        return count;
    }

    private static string Join(string raw, ReadOnlySpan<Range> members, int length)
    {
        Span<char> text = length <= DefaultLimit ? stackalloc char[length] : new char[length];
        var at = 0;
        foreach (var member in members)
        {
            if (at == length) break;
            if (at > 0) text[at++] = ',';
            var part = raw.AsSpan(member);
            part.CopyTo(text[at..]);
            at += part.Length;
        }

        return new string(text);
    }
}
