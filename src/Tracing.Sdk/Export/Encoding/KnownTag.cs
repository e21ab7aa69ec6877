using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>A tag with its bytes. Most tags of most spans repeat: a method, a host or a status code is the same string or number each time.</summary>
/// <remarks>A string is recognised by its reference. Comparing the texts would cost as much as encoding them.</remarks>
internal sealed class KnownTag
{
    /// <summary>Matches no tag.</summary>
    public static readonly KnownTag None = new(new object(), 0, []);

    /// <summary>Longer tags are not remembered. A multiple of <see cref="AttributeKey.Step"/>.</summary>
    public const int MaxLength = 96;

    private readonly object? _value;
    private readonly int _number;
    private readonly bool _isNumber;
    private readonly byte _field;
    private readonly Bytes _bytes;

    public KnownTag(object? value, byte field, ReadOnlySpan<byte> encoded)
    {
        (_value, _field) = (value, field);
        if (value is int number) (_number, _isNumber) = (number, true);
        Length = encoded.Length;
        encoded.CopyTo(_bytes);
    }

    public int Length { get; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Matches(object? value, byte field) =>
        (ReferenceEquals(_value, value) || (_isNumber && value is int number && number == _number)) && _field == field;

    /// <summary>Writes the bytes, and up to a step of other bytes behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CopyTo(ref byte to)
    {
        ref var from = ref Unsafe.As<Bytes, byte>(ref Unsafe.AsRef(in _bytes));
        Vector256.LoadUnsafe(ref from).StoreUnsafe(ref to);
        for (var i = AttributeKey.Step; i < Length; i += AttributeKey.Step)
        {
            Vector256.LoadUnsafe(ref from, (nuint)i).StoreUnsafe(ref to, (nuint)i);
        }
    }

    [InlineArray(MaxLength)]
    private struct Bytes
    {
        private byte _first;
    }
}
