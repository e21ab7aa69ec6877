using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Tracing.Sdk.Export.Zipkin;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>A tag's key with its bytes in one encoding. Applications have few keys and use them for every span.</summary>
internal sealed class AttributeKey
{
    /// <summary>The bytes are copied in steps of this size.</summary>
    public const int Step = 32;

    // Filled up to a multiple of the step.
    private readonly byte[] _padded;

    // The keys that came after this one when they were first met, on the spans of two instrumentations; at first the key itself.
    private AttributeKey _next;
    private AttributeKey _otherNext;

    // The same text as another library has it: literals of two assemblies are two strings.
    private string? _alias;

    // Whole tags with this key, by the length of the text or the number.
    private KnownTags _known;

    private AttributeKey(string text, byte[] encoded, int number)
    {
        Text = text;
        Length = encoded.Length;
        Bit = 1UL << number;
        IsStatus = text.StartsWith("otel.status_", StringComparison.Ordinal);
        IsSpecial = IsStatus || text == "error";
        _padded = new byte[Math.Max(1, (encoded.Length + Step - 1) / Step) * Step];
        encoded.CopyTo(_padded, 0);
        Endpoint = RemoteEndpoint.Rank(text);
        _next = _otherNext = this;
        ((Span<KnownTag>)_known).Fill(KnownTag.None);
    }

    public string Text { get; }

    /// <summary>How many of the bytes count.</summary>
    public int Length { get; }

    /// <summary>One bit, the key's own among the first 64: keys with different bits are different.</summary>
    public ulong Bit { get; }

    /// <summary>Whether the key may be one of those that carry a status.</summary>
    public bool IsStatus { get; }

    /// <summary>Whether an encoding may treat the key unlike others: no shortcut for it.</summary>
    public bool IsSpecial { get; }

    /// <summary>Whether and how Zipkin names a span's other end by the key's value.</summary>
    public EndpointTag? Endpoint { get; }

    public ReadOnlySpan<byte> Encoded => _padded.AsSpan(0, Length);

    /// <summary>Writes the key's bytes, and up to a <see cref="Step"/> of others after them.</summary>
    /// <returns>Where the key ends.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref byte CopyTo(ref byte to)
    {
        ref var from = ref MemoryMarshal.GetArrayDataReference(_padded);
        var length = Length;
        // Nearly all keys take one step.
        Vector256.LoadUnsafe(ref from).StoreUnsafe(ref to);
        for (var i = Step; i < length; i += Step)
        {
            Vector256.LoadUnsafe(ref from, (nuint)i).StoreUnsafe(ref to, (nuint)i);
        }

        return ref Unsafe.Add(ref to, length);
    }

    private bool Is(string text) => ReferenceEquals(Text, text) || ReferenceEquals(_alias, text);

    /// <summary>The tag that may be known of this key and value; <see cref="KnownTag.None"/> when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public KnownTag Known(object? value)
    {
        var index = value is string text ? text.Length : value is int number ? number : -1;
        return index < 0 ? KnownTag.None : _known[index & 3];
    }

    /// <summary>Remembers the bytes of a tag, unless another is remembered in its place: threads that took turns would write to each other's caches.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Learn(object? value, byte field, ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length > KnownTag.MaxLength) return;
        var index = value switch { string text => text.Length, int number => number, _ => -1 };
        if (index >= 0) Interlocked.CompareExchange(ref _known[index & 3], new KnownTag(value, field, encoded), KnownTag.None);
    }

    // In the key itself: a span looks at many, and each line of memory that it need not touch is one that was needed elsewhere.
    [InlineArray(4)]
    private struct KnownTags
    {
        private KnownTag _first;
    }

    /// <summary>The keys that one encoder has met. Any thread; no lock.</summary>
    /// <remarks>Of fixed size: an application that puts ids into its keys fills it, and from then on pays for encoding them.</remarks>
    public sealed class Table(Func<string, byte[]> encode)
    {
        private const int Slots = 512;
        private const int Probes = 4;
        private const int MaxKeyLength = 256;

        private readonly AttributeKey?[] _slots = new AttributeKey?[Slots];
        private int _count;

        /// <summary>What stands before a span's first key. Its text is nobody else's string.</summary>
        public AttributeKey Start { get; } = new(new string('-', 1), [], 0);

        /// <summary>The key of this text.</summary>
        /// <param name="text">As the application has it.</param>
        /// <param name="before">The span's key before it: instrumentation sets its tags in one order, so most keys are found by that alone.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public AttributeKey Get(string? text, AttributeKey before)
        {
            var next = before._next;
            return ReferenceEquals(next.Text, text) ? next : Find(text ?? "", before);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private AttributeKey Find(string text, AttributeKey before)
        {
            if (before._next.Is(text)) return before._next;
            if (before._otherNext.Is(text)) return before._otherNext;
            var slot = Hash(text);
            var key = _slots[slot];
            if (key is null || !key.Is(text)) key = Intern(text, slot);
            if (key is null) return new AttributeKey(text, encode(text), slot);
            if (!ReferenceEquals(key.Text, text)) key._alias ??= text;
            // Once and for all: threads that took turns would write to each other's caches.
            if (ReferenceEquals(before._next, before)) before._next = key;
            else if (ReferenceEquals(before._otherNext, before)) before._otherNext = key;
            return key;
        }

        // Null when there is no room for it.
        private AttributeKey? Intern(string text, int slot)
        {
            if (text.Length > MaxKeyLength) return null;
            for (var i = 0; i < Probes; i++)
            {
                ref var place = ref _slots[(slot + i) & (Slots - 1)];
                var key = Volatile.Read(ref place);
                if (key is null)
                {
                    var fresh = new AttributeKey(text, encode(text), Interlocked.Increment(ref _count));
                    key = Interlocked.CompareExchange(ref place, fresh, null) ?? fresh;
                }

                if (key.Text == text) return key;
            }

            return null;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int Hash(string text)
        {
            // A string ends with a zero: there is something to read even when it is empty, and before its end there is its length.
            var length = text.Length;
            ref var first = ref Unsafe.AsRef(in text.GetPinnableReference());
            return ((length * 37) + (Unsafe.Add(ref first, length >> 1) * 17) + (Unsafe.Add(ref first, length - 1) * 5)) & (Slots - 1);
        }
    }
}
