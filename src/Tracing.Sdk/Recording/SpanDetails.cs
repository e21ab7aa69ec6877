using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>Attributes of a server span that stand in the request until the span is encoded. While no other listener hears the span they are not tags, because a dozen
/// tags cost the garbage collector a dozen objects a request. Otherwise they are, and other code reads them on the activity.</summary>
internal abstract class SpanDetails(Activity activity)
{
    /// <summary>The largest number of keys.</summary>
    public const int MaxCount = 16;

    // The values that were last set as tags, by key; null while none are.
    private object?[]? _tags;

    /// <summary>What was decided about the span; null when it was not counted.</summary>
    public SamplingDecision? Decision { get; set; }

    /// <summary>Whether a span has been started below it. Known only where an endpoint may decide anew.</summary>
    public bool HasChild { get; set; }

    /// <summary>The keys, in order: the same list for all spans.</summary>
    public abstract string[] Keys { get; }
    public Activity Activity => activity;

    /// <summary>Whether the attributes are tags of the activity too.</summary>
    public bool AreTags => _tags is not null;

    /// <summary>Sets the attributes as tags, or brings these tags up to date. A tag that other code has set, changed or removed stays as it is.</summary>
    public void SetTags()
    {
        var values = new object?[Keys.Length];
        Read(values);
        for (var i = 0; i < values.Length; i++)
        {
            // A feature of the request may throw later on.
            values[i] ??= _tags?[i];
            var tag = activity.GetTagItem(Keys[i]);
            if (Equals(tag, _tags?[i]) && !Equals(tag, values[i])) activity.SetTag(Keys[i], values[i]);
        }

        _tags = values;
    }

    /// <summary>Gives the values to encode, each at the place of its key; null stands for none.</summary>
    public void CopyTo(Span<object?> values)
    {
        if (!AreTags)
        {
            Read(values);
            return;
        }

        // What stands on the activity counts; only the order is that of the keys, as it is without tags.
        for (var i = 0; i < Keys.Length; i++) values[i] = activity.GetTagItem(Keys[i]);
    }

    /// <summary>Sets what the span still lacks when it stops, before it is encoded.</summary>
    public abstract void OnStopped();

    /// <summary>Ignores the request in the running flow, if other code has cleared the sampled flag of its span, or if its endpoint is ignored and the flow does not know.</summary>
    /// <returns>Whether it is ignored.</returns>
    public virtual bool TryIgnore() => false;

    /// <summary>Releases the request: the span is encoded, and application code may keep its activity.</summary>
    public abstract void Release();

    /// <summary>Reads the values from the request.</summary>
    protected abstract void Read(Span<object?> values);
}
