using System.Diagnostics;

namespace Tracing.Sdk.Encoding;

/// <summary>
/// One tag that stands for many: facts that its owner still has at hand when the span stops, so that none of them had to become a
/// tag of its own, which costs the garbage collector a dozen objects a request. A tag of the same name on the span wins.
/// </summary>
internal abstract class SpanDetails
{
    /// <summary>The key to set it under. No attribute has this name.</summary>
    public const string Key = "tracing.sdk.details";

    private const int MaxDetails = 24;

    [ThreadStatic]
    private static KeyValuePair<string, object?>[]? _buffer;

    /// <summary>The facts behind an Activity's tag; empty where there is none. Valid until the next call on this thread.</summary>
    public static ReadOnlySpan<KeyValuePair<string, object?>> Of(Activity activity, Scope scope)
    {
        if (!scope.HasDetails) return default;
        foreach (ref readonly var tag in activity.EnumerateTagObjects())
        {
            // It is set when the span begins, so it is among the first where there is one; only we set it, so its key is this very string.
            if (!ReferenceEquals(tag.Key, Key)) continue;
            if (tag.Value is not SpanDetails details) break;
            var list = new DetailList(_buffer ??= new KeyValuePair<string, object?>[MaxDetails]);
            details.Fill(ref list);
            return list.Items;
        }

        return default;
    }

    protected abstract void Fill(ref DetailList list);
}

/// <summary>The facts of one span, in order.</summary>
internal ref struct DetailList(KeyValuePair<string, object?>[] buffer)
{
    private int _count;

    public readonly ReadOnlySpan<KeyValuePair<string, object?>> Items => buffer.AsSpan(0, _count);

    public void Add(string key, object? value)
    {
        if (_count < buffer.Length) buffer[_count++] = new(key, value);
    }
}
