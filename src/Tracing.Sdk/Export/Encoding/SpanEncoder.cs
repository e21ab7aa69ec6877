using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tracing.Sdk.Recording;
using PlatformTags = System.Diagnostics.Activity.Enumerator<System.Collections.Generic.KeyValuePair<string, object?>>;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>Encodes an <see cref="Activity"/> in one format. Any thread; keeps no reference to the activity.</summary>
internal abstract class SpanEncoder
{
    /// <summary>Limit of one span's bytes. Collectors refuse bodies of 10 MiB and more.</summary>
    public const int MaxSpanBytes = 4 * 1024 * 1024;

    // All spans with details have details of one kind, so their keys are looked up once.
    private AttributeKey[]? _detailKeys;

    protected SpanEncoder(SpanLimits limits)
    {
        Limits = limits;
        Scopes = new Scope.Table(EncodeScope);
        Keys = new AttributeKey.Table((text, number) => CreateKey(text, number, limits.Removed?.Contains(text) ?? false));
    }

    public Scope.Table Scopes { get; }
    protected SpanLimits Limits { get; }
    protected AttributeKey.Table Keys { get; }

    /// <summary>Appends a span. Its bytes can stand behind those of another span as they are: in JSON they begin with the comma.</summary>
    /// <returns>Whether the span failed. Such spans are dropped last when the buffer is full.</returns>
    public abstract bool Encode(Activity activity, in SpanMetadata metadata, Scope scope, ref ByteWriter writer);

    /// <summary>Encodes the part of a scope that stands before or around its spans.</summary>
    protected abstract byte[] EncodeScope(Scope scope);

    /// <summary>Encodes a key as it stands before its value.</summary>
    protected abstract byte[] EncodeKey(string key);

    protected virtual AttributeKey CreateKey(string text, int number, bool isRemoved) => new(text, EncodeKey(text), number, isRemoved);

    /// <summary>Appends one tag. May throw what the value's own code throws; the caller then removes what was written.</summary>
    protected abstract void WriteTag(ref ByteWriter writer, byte field, AttributeKey key, object? value);

    /// <summary>The name of a span, as the activity has it or as a hook has changed it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static string? GetName(Activity activity, in SpanMetadata metadata)
    {
        var name = metadata.Content is { } content ? content.Name : activity.DisplayName;
        return string.IsNullOrEmpty(name) ? activity.OperationName : name;
    }

    /// <summary>Reads the details of a span, if it has any, without the removed ones.</summary>
    /// <param name="metadata">The span's metadata.</param>
    /// <param name="values">Room for the values.</param>
    protected DetailList ReadDetails(in SpanMetadata metadata, Span<object?> values)
    {
        if (metadata.Details is not { } details || metadata.Content is { HasAttributes: true }) return default;
        details.CopyTo(values);
        var keys = _detailKeys ??= Array.ConvertAll(details.Keys, key => Keys.Get(key, Keys.Start));
        if (Limits.Removed is not null)
        {
            for (var i = 0; i < keys.Length; i++)
            {
                if (keys[i].IsRemoved) values[i] = null;
            }
        }

        return new DetailList(keys, values[..keys.Length]);
    }

    /// <summary>Appends the tags of a span, or the attributes that a hook has left on it.</summary>
    /// <inheritdoc cref="WriteTags{TShortcut, TTags}"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected int WriteSpanTags<TShortcut>(
        ref ByteWriter writer, byte field, Activity activity, in SpanMetadata metadata, scoped DetailList details, ref SpanStatus status)
        where TShortcut : struct, ITagShortcut =>
        metadata.Content is { HasAttributes: true } content
            ? WriteTags<TShortcut, ContentTags>(ref writer, field, new ContentTags(content), Limits.Attributes, details, ref status)
            : WriteTags<TShortcut, ActivityTags>(ref writer, field, new ActivityTags(activity.EnumerateTagObjects()), Limits.Attributes, details, ref status);

    /// <summary>Appends the tags of an event or a link.</summary>
    /// <inheritdoc cref="WriteTags{TShortcut, TTags}"/>
    protected int WriteTags<TShortcut>(ref ByteWriter writer, byte field, PlatformTags tags, int limit)
        where TShortcut : struct, ITagShortcut
    {
        var none = default(SpanStatus);
        return WriteTags<TShortcut, ActivityTags>(ref writer, field, new ActivityTags(tags), limit, default, ref none);
    }

    /// <summary>Appends tags. Of several tags with one key the last counts; at most <paramref name="limit"/> are written.</summary>
    /// <remarks>
    /// <para>
    /// This loop is most of what a span costs. Nearly every tag goes through <typeparamref name="TShortcut"/>, which writes at <c>to</c> without asking the
    /// writer. The two references replace the writer's position and bounds, because locals are kept in registers and fields of the writer are not:
    /// </para>
    /// <list type="bullet">
    /// <item><c>to</c> is the place of the next byte. Bytes between the writer's position and <c>to</c> are written, and the writer does not know of them.</item>
    /// <item><c>end</c> bounds the shortcut: before it, at least <see cref="ITagShortcut.MaxRoom"/> bytes are free. When <c>end</c> equals <c>to</c>, the shortcut is
    /// off, because room is short or because the format needs another form here (<see cref="ITagShortcut.MayFollow"/>).</item>
    /// </list>
    /// <para>
    /// Two rules keep them right. Before the writer is used, <see cref="ByteWriter.AdvanceTo"/> tells it about the bytes up to <c>to</c>. After the writer was used,
    /// both references are taken again, because the writer may have moved to a larger array. They are managed references, so the garbage collector may move the array.
    /// </para>
    /// <para>
    /// A key that repeats, or a tag beyond the limit, is rare. Both remove what was written and write the list again with <see cref="WriteDistinctTags"/>.
    /// </para>
    /// </remarks>
    /// <param name="writer">The target.</param>
    /// <param name="field">Passed on to <see cref="WriteTag"/>.</param>
    /// <param name="tags">The tags of an activity, an event or a link.</param>
    /// <param name="limit">The limit of the tags.</param>
    /// <param name="details">Tags that come first, unless <paramref name="tags"/> has their keys too.</param>
    /// <param name="status">Reads the tags that carry a status; they are no attributes.</param>
    /// <returns>The number of tags that were not written, without the removed ones.</returns>
    /// <typeparam name="TShortcut">The format's shortcut for simple tags.</typeparam>
    /// <typeparam name="TTags">Where the tags are.</typeparam>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int WriteTags<TShortcut, TTags>(ref ByteWriter writer, byte field, TTags tags, int limit, scoped DetailList details, ref SpanStatus status)
        where TShortcut : struct, ITagShortcut
        where TTags : struct, ITagList
    {
        var start = writer.Position;
        var dropped = 0;
        var left = limit;
        var seen = default(KeySet);
        var maxText = Math.Min(Limits.ValueLength, TShortcut.MaxText);
        var key = Keys.Start;
        var rest = tags;
        ref var to = ref writer.Next;
        ref var end = ref FindEnd<TShortcut>(ref writer);

        // :: Step 1: details
        var present = 0;
        for (var i = 0; i < details.Places; i++)
        {
            if (details.Get(i, out var detail) is not { } value) continue;
            present++;
            seen.Add(detail);
            if (left == 0) continue;
            left--;
            var length = Unsafe.IsAddressLessThan(ref to, ref end) ? TryWriteSimple<TShortcut>(ref to, field, detail, value, maxText) : 0;
            to = ref Unsafe.Add(ref to, length);
            if (length > 0) continue;
            writer.AdvanceTo(ref to);
            _ = TryWriteTag(ref writer, field, detail, value);
            to = ref writer.Next;
            end = ref FindEnd<TShortcut>(ref writer);
        }

        // :: Step 2: tags
        while (rest.MoveNext())
        {
            ref readonly var tag = ref rest.Current;
            key = Keys.Get(tag.Key, key);
            // Not new: the key repeats, or shares its bit with another key.
            var isNew = seen.Add(key);
            if (isNew && left > 0 && Unsafe.IsAddressLessThan(ref to, ref end))
            {
                var length = TryWriteSimple<TShortcut>(ref to, field, key, tag.Value, maxText);
                if (length > 0)
                {
                    to = ref Unsafe.Add(ref to, length);
                    left--;
                    continue;
                }
            }

            if (key.IsRemoved)
            {
                // The status is no attribute and stays.
                status.TryRead(key, tag.Value);
                continue;
            }

            if (left == 0 || (!isNew && IsRepeated(tags, details, key.Text)))
            {
                writer.Rewind(start);
                return WriteDistinctTags(ref writer, field, tags, limit, details, ref status);
            }

            writer.AdvanceTo(ref to);
            if (!status.TryRead(key, tag.Value))
            {
                if (TryWriteTag(ref writer, field, key, tag.Value)) left--;
                else dropped++;
            }

            to = ref writer.Next;
            end = ref FindEnd<TShortcut>(ref writer);
        }

        writer.AdvanceTo(ref to);
        return dropped + Math.Max(0, present - limit);
    }

    // Writes a tag that was encoded before, or one that the shortcut writes. Returns its length, or 0 for any other tag; the bytes are then undefined.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int TryWriteSimple<TShortcut>(ref byte to, byte field, AttributeKey key, object? value, int maxText)
        where TShortcut : struct, ITagShortcut
    {
        var known = key.FindKnown(value);
        if (!known.Matches(value, field)) return key.IsSpecial ? 0 : TryWriteNew<TShortcut>(ref to, field, key, known, value, maxText);
        known.CopyTo(ref to);
        return known.Length;
    }

    // Not inlined, so that the loop over the tags keeps its registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int TryWriteNew<TShortcut>(ref byte to, byte field, AttributeKey key, KnownTag known, object? value, int maxText)
        where TShortcut : struct, ITagShortcut
    {
        var length = TShortcut.TryWrite(ref to, field, key, value, maxText);
        if (length > 0 && known == KnownTag.None) key.Remember(value, field, MemoryMarshal.CreateReadOnlySpan(ref to, length));
        return length;
    }

    private static ref byte FindEnd<TShortcut>(ref ByteWriter writer) where TShortcut : struct, ITagShortcut =>
        ref Unsafe.Add(ref writer.Next, TShortcut.MayFollow(writer.Last) ? Math.Max(0, writer.Room - TShortcut.MaxRoom) : 0);

    /// <summary>Writes the tags whose values are short text or small numbers, without a check of the room.</summary>
    protected interface ITagShortcut
    {
        /// <summary>Limit of the text's length.</summary>
        static abstract int MaxText { get; }

        /// <summary>Limit of the bytes that are written, including those beyond the tag's length.</summary>
        static abstract int MaxRoom { get; }

        /// <summary>Whether a tag has its usual form behind this byte.</summary>
        static abstract bool MayFollow(byte last);

        /// <param name="to">The target.</param>
        /// <param name="field">As for <see cref="WriteTag"/>.</param>
        /// <param name="key">As for <see cref="WriteTag"/>; not a special one.</param>
        /// <param name="value">As for <see cref="WriteTag"/>.</param>
        /// <param name="maxText">The length up to which a text is neither cut nor too long for the shortcut.</param>
        /// <returns>The tag's length, or 0 when the shortcut does not write it; the target's content is then undefined.</returns>
        static abstract int TryWrite(ref byte to, byte field, AttributeKey key, object? value, int maxText);
    }

    /// <summary>For formats that are read by people, and need no speed.</summary>
    protected readonly struct NoShortcut : ITagShortcut
    {
        public static int MaxText => 0;
        public static int MaxRoom => 0;

        public static bool MayFollow(byte last) => false;
        public static int TryWrite(ref byte to, byte field, AttributeKey key, object? value, int maxText) => 0;
    }

    /// <summary>Whether a link has no ids, attributes or tracestate: user code may create one of a default context.</summary>
    /// <remarks>A link without ids is kept only for its attributes or its tracestate: https://opentelemetry.io/docs/specs/otel/trace/api/#link</remarks>
    protected static bool IsEmpty(ref readonly ActivityLink link) =>
        (IsZero(link.Context.TraceId.ToHexString()) || IsZero(link.Context.SpanId.ToHexString()))
        && string.IsNullOrEmpty(link.Context.TraceState)
        && !link.EnumerateTagObjects().MoveNext();

    private static bool IsZero(string id) => !id.AsSpan().ContainsAnyExcept('0');

    private static bool IsRepeated<TTags>(TTags tags, scoped DetailList details, string key) where TTags : struct, ITagList
    {
        var times = details.Find(key) is null ? 0 : 1;
        while (tags.MoveNext())
        {
            if (string.Equals(tags.Current.Key ?? "", key) && ++times == 2) return true;
        }

        return false;
    }

    // For keys that repeat, and for more tags than the limit.
    private int WriteDistinctTags<TTags>(ref ByteWriter writer, byte field, TTags tags, int limit, scoped DetailList details, ref SpanStatus status)
        where TTags : struct, ITagList
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
            var attribute = Keys.Get(key, Keys.Start);
            if (status.TryRead(attribute, tag.Value) || attribute.IsRemoved) continue;
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
            // The value's own ToString() or enumerator has thrown: this attribute is lost, not the span.
            writer.Rewind(start);
            return false;
        }
    }
}
