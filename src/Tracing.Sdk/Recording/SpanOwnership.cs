using System.Diagnostics;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Tells which recorded activities of the process belong to one recorder. Listeners are process-wide, so another listener or another host in this process may
/// record what this recorder has refused.</summary>
/// <remarks>Any thread. A mark is a custom property of the activity. It costs an allocation, so no activity gets one until another listener or host has decided
/// differently; until then every recorded activity belongs to this recorder.</remarks>
/// <param name="owner">The tracing of this recorder; requests of another owner are not recorded here.</param>
internal sealed class SpanOwnership(object owner) : IDisposable
{
    // 64 KB: the ids of ten seconds at some hundred spans a second.
    private const int MaxForeignIds = 8192;

    private static readonly object Ours = new();
    private static readonly object NotOurs = new();
    private static int _instances;
    private static int _live;
    private static volatile bool _foreignSpansExist;

    private readonly RemoteContext _outsideOfRequests = new() { Owner = owner };

    // The last refusal on this thread, for the start that follows when another listener wants the activity.
    // Not disposed: a span may start on another thread while this recorder stops.
    private readonly ThreadLocal<(ActivitySource? Source, ActivityTraceId Trace, ActivitySpanId Parent)> _refused = new();
    private readonly string _mark = $"Tracing.Sdk.{Interlocked.Increment(ref _instances)}";
    private bool _isSecond;

    // The span ids of the activities that were left to another listener, each at the place that its last bits name, until the next one there. Null until there is one.
    // A mark cannot be read where only the context of a parent is known: OpenTelemetry's instrumentation of Redis makes a span some seconds after its command.
    private ulong[]? _foreignIds;
    private long _listeningSince = long.MaxValue;

    // Until the first refusal _refused is not read.
    private volatile bool _hasRefused;

    /// <summary>Whether any recorder of the process listens.</summary>
    public static bool IsAnyLive => Volatile.Read(ref _live) > 0;

    /// <summary>Whether there ever was another recorder in this process.</summary>
    public static bool IsShared => Volatile.Read(ref _instances) > 1;

    /// <summary>Whether a recorded activity may belong to another listener or host.</summary>
    public static bool ForeignSpansExist => _foreignSpansExist;

    /// <summary>Whether another recorder was live when this one started, and one still is.</summary>
    public bool IsSecond => _isSecond && Volatile.Read(ref _live) > 1;

    public void Listen(ActivityListener listener)
    {
        // A request of another host may be under way, or a span of another listener.
        _isSecond = Interlocked.Increment(ref _live) > 1;
        if (_isSecond || Activity.Current is { Recorded: true }) _foreignSpansExist = true;
        ActivitySource.AddActivityListener(listener);
        // Afterwards: an activity that started before this moment has a mark only if the listener has seen it.
        Volatile.Write(ref _listeningSince, DateTime.UtcNow.Ticks);
    }

    public void Dispose() => Interlocked.Decrement(ref _live);

    /// <summary>The running code no longer belongs to the request in which it was started, but still to this recorder.</summary>
    public void LeaveRequest() => RemoteContext.LeaveCurrent(_outsideOfRequests);

    public bool IsOfAnother(RemoteContext? remote) => remote?.Owner is { } other && other != owner;

    public void Refuse(ref ActivityCreationOptions<ActivityContext> options)
    {
        _hasRefused = true;
        _refused.Value = (options.Source, options.TraceId, options.Parent.SpanId);
    }

    /// <summary>A refusal that created no activity must not be taken for the next one, such as a retry with the same parent.</summary>
    public void ForgetRefusal()
    {
        if (_hasRefused) _refused.Value = default;
    }

    /// <summary>Tells at the start of a recorded activity whether another listener or host wanted it, and not this recorder. Marks it then.</summary>
    public bool IsForeign(Activity activity)
    {
        if (!(IsShared && IsOfAnother(RemoteContext.Current)) && !IsRefused(activity)) return false;
        GiveAway(activity);
        return true;
    }

    /// <summary>Marks an activity that <see cref="IsOurs"/> could not recognize by its start time.</summary>
    public void Claim(Activity activity)
    {
        // User code can give a span an early start time, and can change it later.
        if (_foreignSpansExist || IsEarly(activity)) MarkOurs(activity);
    }

    public void MarkOurs(Activity activity) => activity.SetCustomProperty(_mark, Ours);
    public void MarkForeign(Activity activity) => activity.SetCustomProperty(_mark, NotOurs);

    /// <summary>Leaves a recorded activity to another listener.</summary>
    public void GiveAway(Activity activity)
    {
        MarkForeign(activity);
        var ids = LazyInitializer.EnsureInitialized(ref _foreignIds, static () => new ulong[MaxForeignIds]);
        var id = Hex.ToUInt64(activity.SpanId);
        Volatile.Write(ref ids[id % MaxForeignIds], id);
        _foreignSpansExist = true;
    }

    /// <summary>Whether a context is that of an activity that was left to another listener lately.</summary>
    public bool IsForeign(in ActivityContext context)
    {
        // Without a span id it names a trace and no parent; an empty place holds 0 too.
        if (Volatile.Read(ref _foreignIds) is not { } ids || context.SpanId == default) return false;
        var id = Hex.ToUInt64(context.SpanId);
        return Volatile.Read(ref ids[id % MaxForeignIds]) == id;
    }

    public bool IsMarkedForeign(Activity activity) => activity.GetCustomProperty(_mark) == NotOurs;

    /// <summary>Whether an activity started before this recorder listened.</summary>
    public bool IsEarly(Activity activity) => activity.StartTimeUtc.Ticks < Volatile.Read(ref _listeningSince);

    /// <summary>Whether a recorded activity belongs to this recorder. One that started earlier was never counted, and is not recorded.</summary>
    public bool IsOurs(Activity activity) => !_foreignSpansExist
        || (IsEarly(activity) ? activity.GetCustomProperty(_mark) == Ours : !IsMarkedForeign(activity));

    /// <summary>Whether an activity is recorded, by this recorder.</summary>
    public bool IsRecorded(Activity activity) => activity.Recorded && IsOurs(activity);

    private bool IsRefused(Activity activity)
    {
        if (!_hasRefused) return false;
        var (source, trace, parent) = _refused.Value;
        return source == activity.Source && parent == activity.ParentSpanId && trace == activity.TraceId;
    }
}
