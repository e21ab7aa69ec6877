using System.Runtime.CompilerServices;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>The details of one span: a value, or null, for each key.</summary>
internal readonly ref struct DetailList(ReadOnlySpan<AttributeKey> keys, ReadOnlySpan<object?> values)
{
    private readonly ReadOnlySpan<AttributeKey> _keys = keys;
    private readonly ReadOnlySpan<object?> _values = values;

    /// <summary>Number of keys. Some may have no value.</summary>
    public int Places => _keys.Length;

    /// <summary>The key at a place, and its value or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public object? Get(int place, out AttributeKey key)
    {
        key = _keys[place];
        return _values[place];
    }

    /// <summary>The value of a key, or null.</summary>
    public object? Find(string key)
    {
        for (var i = 0; i < _keys.Length; i++)
        {
            if (_keys[i].Text == key) return _values[i];
        }

        return null;
    }
}

/// <summary>Room for the values of one span's details. It is on the stack, because references in a pooled array need write barriers.</summary>
[InlineArray(SpanDetails.MaxCount)]
internal struct DetailValues
{
    private object? _first;
}
