using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tracing.Sdk.Recording;

/// <summary>The details of running server spans, found by activity. They are not kept on the activity because other code could read them there.</summary>
/// <remarks>Any thread, without locks or allocations. The table has a fixed size: an application can replace hosting's activity, which then never stops, and such entries must not add up.</remarks>
internal sealed class DetailTable
{
    // 64 KiB. With 2,000 running requests one in 3,000 finds its places taken, with 4,000 one in 60; its attributes are then tags.
    private const int Size = 8192;
    private const int Places = 8;

    private readonly SpanDetails?[] _slots = new SpanDetails?[Size];

    // In a process without requests the end of a span looks at nothing else.
    private volatile bool _isUsed;
    private volatile bool _notesChildren;

    /// <summary>Adds the details of a span that has started.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryAdd(SpanDetails details)
    {
        // Written once: a write for each request would move the cache line between cores.
        if (!_isUsed) _isUsed = true;
        var hash = RuntimeHelpers.GetHashCode(details.Activity);
        for (var i = 0; i < Places; i++)
        {
            ref var slot = ref _slots[(hash + i) % Size];
            if (slot is null && Interlocked.CompareExchange(ref slot, details, null) is null) return true;
        }

        return false;
    }

    /// <summary>Takes the details of a span that has stopped; null when it has none.</summary>
    public SpanDetails? Take(Activity activity)
    {
        ref var slot = ref SlotOf(activity, out var details);
        if (details is not null) Volatile.Write(ref slot, null);
        return details;
    }

    /// <summary>Finds the details of a running span; null when it has none.</summary>
    public SpanDetails? Find(Activity activity)
    {
        SlotOf(activity, out var details);
        return details;
    }

    /// <summary>Notes from now on whether server spans have children: an endpoint may decide anew about those that have none.</summary>
    public void NoteChildren()
    {
        // Written once, as above.
        if (!_notesChildren) _notesChildren = true;
    }

    /// <summary>Notes that a span has been started below an activity.</summary>
    public void NoteChildOf(Activity parent)
    {
        if (_notesChildren && parent.Kind == ActivityKind.Server && Find(parent) is { } details) details.HasChild = true;
    }

    private ref SpanDetails? SlotOf(Activity activity, out SpanDetails? details)
    {
        details = null;
        ref var slot = ref _slots[0];
        if (!_isUsed) return ref slot;
        var hash = RuntimeHelpers.GetHashCode(activity);
        for (var i = 0; i < Places; i++)
        {
            slot = ref _slots[(hash + i) % Size];
            details = Volatile.Read(ref slot);
            if (details is not null && details.Activity == activity) return ref slot;
        }

        details = null;
        return ref slot;
    }
}
