using System.Runtime.CompilerServices;

namespace Tracing.Sdk.Export.Encoding;

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
