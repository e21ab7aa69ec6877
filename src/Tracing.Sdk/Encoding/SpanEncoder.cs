using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tags = System.Diagnostics.Activity.Enumerator<System.Collections.Generic.KeyValuePair<string, object?>>;

namespace Tracing.Sdk.Encoding;

/// <summary>Turns an <see cref="Activity"/> into the bytes of one format. Any thread; keeps nothing of the activity.</summary>
internal abstract class SpanEncoder
{
    /// <summary>Bytes that one span may have; collectors refuse bodies from 10 MiB on.</summary>
    public const int MaxSpanBytes = 4 * 1024 * 1024;

    protected SpanEncoder(SpanLimits limits)
    {
        Limits = limits;
        Scopes = new Scope.Table(EncodeScope);
    }

    public Scope.Table Scopes { get; }

    protected SpanLimits Limits { get; }

    /// <summary>Appends the span's bytes.</summary>
    /// <returns>Whether the span failed: such spans are kept longest when room runs out.</returns>
    public abstract bool Encode(Activity activity, in SpanFacts facts, Scope scope, ref ByteWriter writer);

    /// <summary>The bytes that go before or around each span of a scope.</summary>
    protected abstract byte[] EncodeScope(Scope scope);

    /// <summary>Appends one tag. What the value's own code throws is caught by the caller, which takes back what was written.</summary>
    protected abstract void WriteTag(ref ByteWriter writer, byte field, string key, object? value);

    /// <summary>Appends tags: the last of several with the same key, at most <paramref name="limit"/>.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="field">Passed on to <see cref="WriteTag"/>.</param>
    /// <param name="tags">The tags of an activity, an event or a link.</param>
    /// <param name="limit">How many are kept.</param>
    /// <param name="details">Tags that come before them, unless they are repeated there.</param>
    /// <param name="status">Takes the two tags that older instrumentation uses for the status; they are no attributes.</param>
    /// <returns>How many were not written.</returns>
    protected int WriteTags(
        ref ByteWriter writer, byte field, Tags tags, int limit, ReadOnlySpan<KeyValuePair<string, object?>> details, ref SpanStatus status)
    {
        var start = writer.Position;
        var dropped = 0;
        var seen = 0UL;
        var kept = 0;
        var rest = tags;
        foreach (ref readonly var detail in details)
        {
            if (kept == limit) return WriteDistinctTags(ref writer, start, field, tags, limit, details, ref status);
            seen |= 1UL << Hash(detail.Key);
            if (TryWriteTag(ref writer, field, detail.Key, detail.Value)) kept++;
        }

        while (rest.MoveNext())
        {
            ref readonly var tag = ref rest.Current;
            var key = tag.Key ?? "";
            if (ReferenceEquals(key, SpanDetails.Key)) continue;

            // One bit for each key: a bit that is set already may be a repetition, one that is not cannot be.
            var bit = 1UL << Hash(key);
            if (kept == limit || ((seen & bit) != 0 && IsRepeated(tags, details, key)))
            {
                return WriteDistinctTags(ref writer, start, field, tags, limit, details, ref status);
            }

            seen |= bit;
            if (status.TryTake(key, tag.Value)) continue;
            if (TryWriteTag(ref writer, field, key, tag.Value)) kept++;
            else dropped++;
        }

        return dropped;
    }

    private static int Hash(string key)
    {
        var length = key.Length;
        return length == 0 ? 0 : ((length * 5) + (key[length >> 1] * 3) + key[length - 1]) & 63;
    }

    private static bool IsRepeated(Tags tags, ReadOnlySpan<KeyValuePair<string, object?>> details, string key)
    {
        var times = 0;
        foreach (ref readonly var detail in details)
        {
            if (string.Equals(detail.Key, key)) times++;
        }

        while (tags.MoveNext())
        {
            if (string.Equals(tags.Current.Key ?? "", key) && ++times == 2) return true;
        }

        return false;
    }

    // The rare case: keys that repeat, or more of them than allowed.
    private int WriteDistinctTags(
        ref ByteWriter writer, int start, byte field, Tags tags, int limit, ReadOnlySpan<KeyValuePair<string, object?>> details, ref SpanStatus status)
    {
        writer.Rewind(start);
        var order = new List<string>();
        var values = new Dictionary<string, object?>(StringComparer.Ordinal);
        var dropped = 0;
        foreach (ref readonly var detail in details)
        {
            if (order.Count == limit)
            {
                dropped++;
                continue;
            }

            order.Add(detail.Key);
            values[detail.Key] = detail.Value;
        }

        while (tags.MoveNext())
        {
            ref readonly var tag = ref tags.Current;
            var key = tag.Key ?? "";
            if (ReferenceEquals(key, SpanDetails.Key) || status.TryTake(key, tag.Value)) continue;
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
            if (!TryWriteTag(ref writer, field, key, values[key])) dropped++;
        }

        return dropped;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryWriteTag(ref ByteWriter writer, byte field, string key, object? value)
    {
        if (value is string or int or bool or long or double)
        {
            WriteTag(ref writer, field, key, value);
            return true;
        }

        return TryWriteForeignTag(ref writer, field, key, value);
    }

    private bool TryWriteForeignTag(ref ByteWriter writer, byte field, string key, object? value)
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

/// <summary>A span's status: from the activity, else from the tags that older instrumentation sets.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/common/mapping-to-non-otlp/#span-status</remarks>
internal ref struct SpanStatus(Activity? activity)
{
    public ActivityStatusCode Code = activity?.Status ?? ActivityStatusCode.Unset;
    public string? Description = activity?.StatusDescription;

    // Events and links have no status: their tags are all attributes.
    private readonly bool _hasTags = activity is not null;
    private readonly bool _isSet = activity is { Status: not ActivityStatusCode.Unset };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(string key, object? value) =>
        _hasTags && key.Length is 16 or 23 && key.StartsWith("otel.status_", StringComparison.Ordinal) && Take(key, value);

    private bool Take(string key, object? value)
    {
        switch (key)
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
