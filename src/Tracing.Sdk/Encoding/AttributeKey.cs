using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.Encoding;

/// <summary>A tag's key with its bytes in one encoding. Applications have few keys and use them for every span.</summary>
internal sealed class AttributeKey
{
    /// <summary>The bytes are copied in steps of this size.</summary>
    public const int Step = 16;

    private AttributeKey(string text, byte[] encoded, int slot)
    {
        Text = text;
        Length = encoded.Length;
        Slot = slot;
        IsStatus = text.StartsWith("otel.status_", StringComparison.Ordinal);
        Padded = new byte[(encoded.Length + Step - 1) / Step * Step];
        encoded.CopyTo(Padded, 0);
    }

    public string Text { get; }

    /// <summary>The key's bytes, filled up to a multiple of <see cref="Step"/>.</summary>
    public byte[] Padded { get; }

    /// <summary>How many of the bytes count.</summary>
    public int Length { get; }

    /// <summary>The key's place in the table: keys in different places are different.</summary>
    public int Slot { get; }

    /// <summary>Whether the key may be one of those that carry a status.</summary>
    public bool IsStatus { get; }

    public ReadOnlySpan<byte> Encoded => Padded.AsSpan(0, Length);

    /// <summary>The keys that one encoder has met. Any thread; no lock.</summary>
    /// <remarks>Of fixed size: an application that puts ids into its keys fills it, and from then on pays for encoding them.</remarks>
    public sealed class Table(Func<string, byte[]> encode)
    {
        public const int Slots = 512;

        private const int Probes = 4;
        private const int MaxKeyLength = 256;

        private readonly AttributeKey?[] _slots = new AttributeKey?[Slots];

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public AttributeKey Get(string? text)
        {
            text ??= "";
            var slot = Hash(text);
            // The slots are as many as the hash has values.
            var key = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_slots), slot);
            return key is not null && ReferenceEquals(key.Text, text) ? key : Find(text, slot);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private AttributeKey Find(string text, int slot)
        {
            if (text.Length <= MaxKeyLength)
            {
                for (var i = 0; i < Probes; i++)
                {
                    var place = (slot + i) & (Slots - 1);
                    var key = Volatile.Read(ref _slots[place]);
                    if (key is null)
                    {
                        var fresh = new AttributeKey(text, encode(text), place);
                        key = Interlocked.CompareExchange(ref _slots[place], fresh, null) ?? fresh;
                    }

                    if (key.Text == text) return key;
                }
            }

            return new AttributeKey(text, encode(text), slot);
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
