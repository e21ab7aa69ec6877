using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>The key of a tag, with its bytes in one format. An application has few keys and uses them on every span.</summary>
internal class AttributeKey
{
    /// <summary>The bytes are copied in steps of this size.</summary>
    public const int Step = 32;

    // Padded to a multiple of the step.
    private readonly byte[] _padded;

    // Two keys that have followed this one on a span, for two kinds of spans. Each is this key itself until it is set, once.
    private AttributeKey _next;
    private AttributeKey _otherNext;

    // Another string with the same text: a literal is one string in each assembly.
    private string? _alias;

    // Encoded tags with this key, by the length of the text or by the number. Inside the object: looking up a key touches its memory anyway.
    private KnownTags _known;

    /// <param name="text">The key.</param>
    /// <param name="encoded">Its bytes, as they stand before a value.</param>
    /// <param name="number">The number from which <see cref="Bit"/> is made.</param>
    /// <param name="isRemoved">Whether attributes with this key are not exported.</param>
    public AttributeKey(string text, byte[] encoded, int number, bool isRemoved)
    {
        Text = text;
        Length = encoded.Length;
        Bit = 1UL << number;
        IsStatus = text.StartsWith("otel.status_", StringComparison.Ordinal);
        IsRemoved = isRemoved;
        IsSpecial = IsStatus || isRemoved;
        _padded = new byte[Math.Max(1, (encoded.Length + Step - 1) / Step) * Step];
        encoded.CopyTo(_padded, 0);
        _next = _otherNext = this;
        ((Span<KnownTag>)_known).Fill(KnownTag.None);
    }

    public string Text { get; }
    public int Length { get; }

    /// <summary>One bit of 64. Keys with different bits are different keys; from the 65th key on, keys share bits.</summary>
    public ulong Bit { get; }

    /// <summary>Whether the key may carry a status.</summary>
    public bool IsStatus { get; }

    /// <summary>Whether attributes with this key are not exported.</summary>
    public bool IsRemoved { get; }

    /// <summary>Whether the format treats the key in a way of its own, so that the shortcut must not write it.</summary>
    public bool IsSpecial { get; protected init; }
    public ReadOnlySpan<byte> Encoded => _padded.AsSpan(0, Length);

    /// <summary>Writes the bytes, and up to a <see cref="Step"/> of other bytes behind them.</summary>
    /// <returns>The place behind the key.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref byte CopyTo(ref byte to)
    {
        ref var from = ref MemoryMarshal.GetArrayDataReference(_padded);
        var length = Length;
        // Most keys take one step.
        Vector256.LoadUnsafe(ref from).StoreUnsafe(ref to);
        for (var i = Step; i < length; i += Step)
        {
            Vector256.LoadUnsafe(ref from, (nuint)i).StoreUnsafe(ref to, (nuint)i);
        }

        return ref Unsafe.Add(ref to, length);
    }

    /// <summary>Returns the remembered tag that may have this value, or <see cref="KnownTag.None"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public KnownTag FindKnown(object? value)
    {
        var index = value is string text ? text.Length : value is int number ? number : -1;
        return index < 0 ? KnownTag.None : _known[index & 3];
    }

    /// <summary>Remembers the bytes of a tag. A place is set once: if threads replaced each other's tags, each write would take the cache line from the others.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Remember(object? value, byte field, ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length > KnownTag.MaxLength) return;
        var index = value switch { string text => text.Length, int number => number, _ => -1 };
        if (index >= 0) Interlocked.CompareExchange(ref _known[index & 3], new KnownTag(value, field, encoded), KnownTag.None);
    }

    private bool HasText(string text) => ReferenceEquals(Text, text) || ReferenceEquals(_alias, text);

    [InlineArray(4)]
    private struct KnownTags
    {
        private KnownTag _first;
    }

    /// <summary>The keys that one encoder has met. Any thread; no lock.</summary>
    /// <remarks>The size is fixed. An application that puts ids into its keys fills the table; keys that find no place are encoded each time.</remarks>
    public sealed class Table(Func<string, int, AttributeKey> create)
    {
        private const int Slots = 512;
        private const int Probes = 4;
        private const int MaxKeyLength = 256;

        private readonly AttributeKey?[] _slots = new AttributeKey?[Slots];
        private int _count;

        /// <summary>The start of each span's chain of keys. Its text is a string that no tag can have.</summary>
        public AttributeKey Start { get; } = new(new string('-', 1), [], 0, isRemoved: false);

        /// <summary>Returns the key with this text.</summary>
        /// <param name="text">The tag's key.</param>
        /// <param name="before">The span's key before it. Instrumentation sets its tags in one order, so this alone finds most keys.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public AttributeKey Get(string? text, AttributeKey before)
        {
            var next = before._next;
            return ReferenceEquals(next.Text, text) ? next : Find(text ?? "", before);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private AttributeKey Find(string text, AttributeKey before)
        {
            if (before._next.HasText(text)) return before._next;
            if (before._otherNext.HasText(text)) return before._otherNext;
            var slot = Hash(text);
            var key = _slots[slot];
            if (key is null || !key.HasText(text)) key = Intern(text, slot);
            if (key is null) return create(text, slot);
            if (!ReferenceEquals(key.Text, text)) key._alias ??= text;
            // Set once, for the same reason as the tags in Remember.
            if (ReferenceEquals(before._next, before)) before._next = key;
            else if (ReferenceEquals(before._otherNext, before)) before._otherNext = key;
            return key;
        }

        // Returns null when there is no place for the key.
        private AttributeKey? Intern(string text, int slot)
        {
            if (text.Length > MaxKeyLength) return null;
            for (var i = 0; i < Probes; i++)
            {
                ref var place = ref _slots[(slot + i) & (Slots - 1)];
                var key = Volatile.Read(ref place);
                if (key is null)
                {
                    var added = create(text, Interlocked.Increment(ref _count));
                    key = Interlocked.CompareExchange(ref place, added, null) ?? added;
                }

                if (key.Text == text) return key;
            }

            return null;
        }

        // Reads the length and two characters. The one behind the last of an empty string is the terminating zero, and the one before its first the length's upper half.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int Hash(string text)
        {
            var length = text.Length;
            ref var first = ref Unsafe.AsRef(in text.GetPinnableReference());
            return ((length * 37) + (Unsafe.Add(ref first, length >> 1) * 17) + (Unsafe.Add(ref first, length - 1) * 5)) & (Slots - 1);
        }
    }
}

/// <summary>The keys of one span, by their bits.</summary>
internal struct KeySet
{
    private ulong _bits;

    /// <summary>Adds a key. Returns false when it was added before, or another key that shares its bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Add(AttributeKey key)
    {
        var before = _bits;
        _bits |= key.Bit;
        return _bits != before;
    }
}
