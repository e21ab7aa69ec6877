using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tracing.Sdk.Recording;
using Tags = System.Diagnostics.Activity.Enumerator<System.Collections.Generic.KeyValuePair<string, object?>>;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>Turns an <see cref="Activity"/> into the bytes of one format. Any thread; keeps nothing of the activity.</summary>
internal abstract class SpanEncoder
{
    /// <summary>Bytes that one span may have; collectors refuse bodies from 10 MiB on.</summary>
    public const int MaxSpanBytes = 4 * 1024 * 1024;

    protected SpanEncoder(SpanLimits limits)
    {
        Limits = limits;
        Scopes = new Scope.Table(EncodeScope);
        Keys = new AttributeKey.Table(EncodeKey);
    }

    public Scope.Table Scopes { get; }

    protected SpanLimits Limits { get; }

    // Found once: there is one kind of details.
    private AttributeKey[]? _detailKeys;

    protected AttributeKey.Table Keys { get; }

    /// <summary>Appends the span's bytes. They may follow those of another span as they are: JSON begins with the comma between two.</summary>
    /// <returns>Whether the span failed: such spans are kept longest when room runs out.</returns>
    public abstract bool Encode(Activity activity, in SpanFacts facts, Scope scope, ref ByteWriter writer);

    /// <summary>The bytes that go before or around each span of a scope.</summary>
    protected abstract byte[] EncodeScope(Scope scope);

    /// <summary>The bytes of a key as they stand before its value.</summary>
    protected abstract byte[] EncodeKey(string key);

    /// <summary>Appends one tag. What the value's own code throws is caught by the caller, which takes back what was written.</summary>
    protected abstract void WriteTag(ref ByteWriter writer, byte field, AttributeKey key, object? value);

    /// <summary>Reads the details that a span may have.</summary>
    /// <param name="facts">The span's.</param>
    /// <param name="values">Room for their values.</param>
    protected DetailList DetailsOf(in SpanFacts facts, Span<object?> values)
    {
        if (facts.Details is not { } details) return default;
        details.CopyTo(values);
        var keys = _detailKeys ??= Array.ConvertAll(details.Keys, key => Keys.Get(key, Keys.Start));
        return new DetailList(keys, values[..keys.Length]);
    }

    /// <summary>Appends tags: the last of several with the same key, at most <paramref name="limit"/>.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="field">Passed on to <see cref="WriteTag"/>.</param>
    /// <param name="tags">The tags of an activity, an event or a link.</param>
    /// <param name="limit">How many are kept.</param>
    /// <param name="details">Tags that come before them, unless they are repeated there.</param>
    /// <param name="status">Takes the two tags that older instrumentation uses for the status; they are no attributes.</param>
    /// <returns>How many were not written.</returns>
    /// <typeparam name="TFormat">The encoding's shortcut for the tags that nearly all tags are.</typeparam>
    [MethodImpl(MethodImplOptions.NoInlining)]
    protected int WriteTags<TFormat>(
        ref ByteWriter writer, byte field, Tags tags, int limit, scoped DetailList details, ref SpanStatus status)
        where TFormat : struct, ITagFormat
    {
        var start = writer.Position;
        var dropped = 0;
        var left = limit;
        var seen = default(KeySet);
        var maxText = Math.Min(Limits.ValueLength, TFormat.MostText);
        var key = Keys.Start;
        var rest = tags;

        // Where the shortcut writes, as long as it is before the end: in registers, which the writer's own fields are not.
        ref var to = ref writer.Next;
        ref var end = ref EndOfShortcut<TFormat>(ref writer);
        var present = 0;
        for (var i = 0; i < details.Places; i++)
        {
            if (details.Get(i, out var detail) is not { } value) continue;
            present++;
            seen.Add(detail);
            if (left == 0) continue;
            left--;
            var length = Unsafe.IsAddressLessThan(ref to, ref end) ? WriteSimple<TFormat>(ref to, field, detail, value, maxText) : 0;
            to = ref Unsafe.Add(ref to, length);
            if (length > 0) continue;
            writer.AdvanceTo(ref to);
            _ = TryWriteTag(ref writer, field, detail, value);
            to = ref writer.Next;
            end = ref EndOfShortcut<TFormat>(ref writer);
        }

        while (rest.MoveNext())
        {
            ref readonly var tag = ref rest.Current;
            key = Keys.Get(tag.Key, key);
            var isNew = seen.Add(key);
            if (isNew && left > 0 && Unsafe.IsAddressLessThan(ref to, ref end))
            {
                var length = WriteSimple<TFormat>(ref to, field, key, tag.Value, maxText);
                if (length > 0)
                {
                    to = ref Unsafe.Add(ref to, length);
                    left--;
                    continue;
                }
            }

            if (left == 0 || (!isNew && IsRepeated(tags, details, key.Text)))
            {
                writer.Rewind(start);
                return WriteDistinctTags(ref writer, field, tags, limit, details, ref status);
            }

            writer.AdvanceTo(ref to);
            if (!status.TryTake(key, tag.Value))
            {
                if (TryWriteTag(ref writer, field, key, tag.Value)) left--;
                else dropped++;
            }

            to = ref writer.Next;
            end = ref EndOfShortcut<TFormat>(ref writer);
        }

        writer.AdvanceTo(ref to);
        return dropped + Math.Max(0, present - limit);
    }

    // A tag that is known, or one of the simple ones. Returns how many bytes were written; 0, with nothing that counts, for all others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WriteSimple<TFormat>(ref byte to, byte field, AttributeKey key, object? value, int maxText)
        where TFormat : struct, ITagFormat
    {
        var known = key.Known(value);
        if (!known.Is(value, field)) return key.IsSpecial ? 0 : WriteUnknown<TFormat>(ref to, field, key, known, value, maxText);
        known.CopyTo(ref to);
        return known.Length;
    }

    // Not inlined: the loop over the tags has no registers left for it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int WriteUnknown<TFormat>(ref byte to, byte field, AttributeKey key, KnownTag known, object? value, int maxText)
        where TFormat : struct, ITagFormat
    {
        var length = TFormat.TryWrite(ref to, field, key, value, maxText);
        if (length > 0 && known == KnownTag.None) key.Learn(value, field, MemoryMarshal.CreateReadOnlySpan(ref to, length));
        return length;
    }

    // Before it there is room for whatever the shortcut writes.
    private static ref byte EndOfShortcut<TFormat>(ref ByteWriter writer)
        where TFormat : struct, ITagFormat =>
        ref Unsafe.Add(ref writer.Next, TFormat.MayFollow(writer.Last) ? Math.Max(0, writer.Room - TFormat.MostRoom) : 0);

    /// <summary>Writes a tag when it is one of the simple ones.</summary>
    protected interface ITagFormat
    {
        /// <summary>The longest text that it takes.</summary>
        static abstract int MostText { get; }

        /// <summary>How many bytes it may write, whether they count or not.</summary>
        static abstract int MostRoom { get; }

        /// <summary>Whether a simple tag may stand after this byte as it stands everywhere else.</summary>
        static abstract bool MayFollow(byte last);

        /// <param name="to">Where to.</param>
        /// <param name="field">As for <see cref="WriteTag"/>.</param>
        /// <param name="key">As for <see cref="WriteTag"/>; no special one.</param>
        /// <param name="value">As for <see cref="WriteTag"/>.</param>
        /// <param name="maxText">The longest text that need not be cut, and is not too long.</param>
        /// <returns>How many bytes were written; 0, with nothing that counts, for everything else.</returns>
        static abstract int TryWrite(ref byte to, byte field, AttributeKey key, object? value, int maxText);
    }

    /// <summary>Whether a link has no ids, attributes or tracestate: user code may make one of a default context.</summary>
    /// <remarks>https://opentelemetry.io/docs/specs/otel/trace/api/#link keeps a link without ids only for its attributes or its tracestate.</remarks>
    protected static bool IsEmpty(ref readonly ActivityLink link) =>
        (IsZero(link.Context.TraceId.ToHexString()) || IsZero(link.Context.SpanId.ToHexString()))
        && string.IsNullOrEmpty(link.Context.TraceState)
        && !link.EnumerateTagObjects().MoveNext();

    private static bool IsZero(string id) => !id.AsSpan().ContainsAnyExcept('0');

    private static bool IsRepeated(Tags tags, scoped DetailList details, string key)
    {
        var times = details.Find(key) is null ? 0 : 1;

        while (tags.MoveNext())
        {
            if (string.Equals(tags.Current.Key ?? "", key) && ++times == 2) return true;
        }

        return false;
    }

    // The rare case: keys that repeat, or more of them than allowed.
    private int WriteDistinctTags(
        ref ByteWriter writer, byte field, Tags tags, int limit, scoped DetailList details, ref SpanStatus status)
    {
        var order = new List<string>();
        var values = new Dictionary<string, object?>(StringComparer.Ordinal);
        var dropped = 0;
        for (var i = 0; i < details.Places; i++)
        {
            if (details.Get(i, out var detail) is not { } value) continue;
            if (order.Count < limit) order.Add(detail.Text);
            else dropped++;
            values[detail.Text] = value;
        }

        while (tags.MoveNext())
        {
            ref readonly var tag = ref tags.Current;
            var key = tag.Key ?? "";
            if (status.TryTake(Keys.Get(key, Keys.Start), tag.Value)) continue;
            if (!values.ContainsKey(key))
            {
                if (order.Count >= limit)
                {
                    dropped++;
                    continue;
                }

                order.Add(key);
            }

            values[key] = tag.Value;
        }

        foreach (var key in order)
        {
            if (!TryWriteTag(ref writer, field, Keys.Get(key, Keys.Start), values[key])) dropped++;
        }

        return dropped;
    }

    private bool TryWriteTag(ref ByteWriter writer, byte field, AttributeKey key, object? value)
    {
        var start = writer.Position;
        try
        {
            WriteTag(ref writer, field, key, value);
            return true;
        }
        catch (Exception e) when (e is not SpanTooLargeException)
        {
            // The value's own ToString() or enumerator threw: this attribute is lost, not the span.
            writer.Rewind(start);
            return false;
        }
    }
}

/// <summary>The keys of one span.</summary>
internal struct KeySet
{
    private ulong _bits;

    /// <summary>Adds a key; false when it, or one that shares its bit, was added before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Add(AttributeKey key)
    {
        var before = _bits;
        _bits |= key.Bit;
        return _bits != before;
    }
}

/// <summary>A span's status: from the activity, else from the tags that older instrumentation sets.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/common/mapping-to-non-otlp/#span-status</remarks>
internal ref struct SpanStatus(Activity? activity)
{
    public ActivityStatusCode Code = activity?.Status ?? ActivityStatusCode.Unset;
    public string? Description = activity?.StatusDescription;

    // Events and links have no status: their tags are all attributes.
    private readonly bool _hasTags = activity is not null;
    private readonly bool _isSet = activity is { Status: not ActivityStatusCode.Unset };

    public bool TryTake(AttributeKey key, object? value)
    {
        if (!_hasTags || !key.IsStatus) return false;
        switch (key.Text)
        {
            case "otel.status_code":
                if (!_isSet)
                {
                    Code = (value as string) switch
                    {
                        "OK" => ActivityStatusCode.Ok,
                        "ERROR" => ActivityStatusCode.Error,
                        _ => ActivityStatusCode.Unset,
                    };
                }

                return true;
            case "otel.status_description":
                if (!_isSet) Description = value as string;
                return true;
            default:
                return false;
        }
    }
}
