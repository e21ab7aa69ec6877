using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Recording;

/// <summary>
/// One tag that stands for many: facts that its owner still has at hand when the span stops, so that none of them had to become a
/// tag of its own, which costs the garbage collector a dozen objects a request. A tag of the same name on the span wins.
/// </summary>
internal abstract class SpanDetails
{
    /// <summary>The key to set it under. No attribute has this name.</summary>
    public const string Key = "tracing.sdk.details";

    /// <summary>As many as one span may have.</summary>
    public const int Most = 16;

    /// <summary>The keys of its facts, in order: the same list for all spans.</summary>
    public abstract string[] Keys { get; }

    /// <summary>Sets the values, each at the place of its key; null stands for none.</summary>
    public abstract void Fill(Span<object?> values);

    /// <summary>Lets go of what the facts are read from: the span is recorded, and somebody may keep its activity.</summary>
    public abstract void Release();

    /// <summary>The details of an activity, if it has any. Only a server's span may.</summary>
    public static SpanDetails? Of(Activity activity)
    {
        if (activity.Kind != ActivityKind.Server) return null;
        foreach (ref readonly var tag in activity.EnumerateTagObjects())
        {
            // It is set when the span begins, so it is among the first where there is one; only we set it, so its key is this very string.
            if (ReferenceEquals(tag.Key, Key)) return tag.Value as SpanDetails;
        }

        return null;
    }
}

/// <summary>Room for the values of one span's details, on the stack: whatever is kept elsewhere has to be told to the garbage collector.</summary>
[InlineArray(SpanDetails.Most)]
internal struct DetailValues
{
    private object? _first;
}

/// <summary>The details of one span: a value, or null, for each key.</summary>
internal readonly ref struct DetailList(ReadOnlySpan<AttributeKey> keys, ReadOnlySpan<object?> values)
{
    private readonly ReadOnlySpan<AttributeKey> _keys = keys;
    private readonly ReadOnlySpan<object?> _values = values;

    public bool IsEmpty => _keys.IsEmpty;

    /// <summary>Places, of which some may hold nothing.</summary>
    public int Places => _keys.Length;

    /// <summary>What is at a place: the key, and the value or null.</summary>
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
