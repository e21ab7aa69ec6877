using System.Diagnostics;
using Tracing.Sdk.Accounting;
using Tracing.Sdk.Encoding;
using Tracing.Sdk.Export;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>
/// Decides which Activities are recorded, hands each to the exporters on the thread that stops it, and knows whose id may leave the
/// process: only that of a span that is exported, or the one that came in.
/// </summary>
internal sealed class SpanRecorder : IDisposable
{
    private static readonly object Ours = new();
    private static readonly object NotOurs = new();
    private static int _instances;
    private static int _live;

    // Set once anybody else's decision has differed from ours: another listener, or another host in this process.
    // Until then no span needs a mark and nobody looks for one.
    private static volatile bool _foreignSpansExist;

    // What Sample has refused last on this thread, for the ActivityStarted that follows if somebody else wanted it.
    // Not disposed: a span may start on another thread while we stop.
    private readonly ThreadLocal<(ActivitySource? Source, ActivityTraceId Trace, ActivitySpanId Parent)> _refused = new();

    private readonly ActivityListener _listener;
    private readonly SourceFilter _filter;
    private readonly TraceSampler _sampler;
    private readonly bool _randomFlag;
    private readonly object _owner;
    private readonly SpanExporter[] _exporters;
    private readonly SpanAccounts _accounts;
    private readonly string _mark = $"Tracing.Sdk.{Interlocked.Increment(ref _instances)}";
    private long _since = long.MaxValue;

    // Whether anything was ever refused: until then nobody looks for it.
    private volatile bool _hasRefused;

    /// <param name="owner">The tracing this recorder belongs to; requests of another owner are not recorded here.</param>
    /// <param name="filter">Which sources to listen to.</param>
    /// <param name="sampler">What to record of them.</param>
    /// <param name="randomFlag">Whether traces that start here carry the random flag of W3C level 2.</param>
    /// <param name="exporters">Where recorded spans go.</param>
    /// <param name="accounts">Where they are counted.</param>
    public SpanRecorder(
        object owner, SourceFilter filter, TraceSampler sampler, bool randomFlag, SpanExporter[] exporters, SpanAccounts accounts)
    {
        (_owner, _filter, _sampler, _randomFlag, _exporters, _accounts) = (owner, filter, sampler, randomFlag, exporters, accounts);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => filter.Accepts(source.Name),
            Sample = Sample,
            ActivityStarted = OnStarted,
            ActivityStopped = OnStopped,
            ExceptionRecorder = static (activity, exception, ref _) => RecordedExceptions.Note(activity, exception),
        };
    }

    /// <summary>Begins to listen.</summary>
    public void Start()
    {
        // Another host's requests may be under way, and those of one that has been alone say not whose they are; or somebody else's span is.
        if (Interlocked.Increment(ref _live) > 1 || Activity.Current is { Recorded: true }) _foreignSpansExist = true;
        ActivitySource.AddActivityListener(_listener);
        // Afterwards, so that whatever started earlier than this and was seen has a mark, and what was not seen has none.
        Volatile.Write(ref _since, DateTime.UtcNow.Ticks);
    }

    public void Dispose()
    {
        _listener.Dispose();
        Interlocked.Decrement(ref _live);
    }

    /// <summary>
    /// What an outbound call may say of this Activity: its own ids if it is exported, else those of the nearest exported ancestor,
    /// else what came in. Null when there is nothing at all to say.
    /// </summary>
    public OutboundContext? ContextToSend(Activity? activity)
    {
        if (activity is null or { IdFormat: not ActivityIdFormat.W3C }) return CameIn();
        var top = activity;
        var wasAsked = false;
        for (var a = activity; a is not null; a = a.Parent)
        {
            if (IsExported(a)) return new OutboundContext(a.TraceId.ToHexString(), a.SpanId.ToHexString(), StateOf(a), IsRandom(a), a.TraceStateString);
            wasAsked |= _filter.Accepts(a.Source);
            top = a;
        }

        // Nothing of this trace is exported here. If we were asked, we have refused; if not, the caller's word goes on with the caller's id.
        var state = wasAsked || top.ParentSpanId == default ? SamplingState.Deny : StateOfUnasked(top);
        if (state == SamplingState.Defer) state = _sampler.DecideAlone(top.TraceId) ? SamplingState.Accept : SamplingState.Deny;
        var spanId = top.ParentSpanId == default ? top.SpanId : top.ParentSpanId;
        return new OutboundContext(top.TraceId.ToHexString(), spanId.ToHexString(), state, IsRandom(top), top.TraceStateString);
    }

    /// <summary>Takes back what was decided for a running Activity that has no children yet: our own sampler decides now.</summary>
    public void DecideAnew(Activity activity)
    {
        ClearMark(activity);
        var record = _sampler.DecideAlone(activity.TraceId);
        if (record == (activity.Recorded && IsOurs(activity))) return;
        if (record)
        {
            if (!IsOurs(activity)) activity.SetCustomProperty(_mark, Ours);
            activity.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
            activity.IsAllDataRequested = true;
            _accounts.SpanStarted();
        }
        else
        {
            Abandon(activity);
        }
    }

    /// <summary>Leaves a running Activity out of the record. It was counted when it started, so it is counted as dropped.</summary>
    public void Abandon(Activity activity)
    {
        if (!activity.Recorded || !IsOurs(activity)) return;
        activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        activity.IsAllDataRequested = false;
        _accounts.SpanEnded();
        foreach (var ledger in _accounts.Ledgers) ledger.Drop(DropReason.Restarted);
    }

    private static OutboundContext? CameIn() =>
        RemoteContext.Current is { Ids: { HasIds: true } ids } remote
            ? new OutboundContext(
                ids.ToActivityTraceId().ToHexString(), ids.ToActivitySpanId().ToHexString(), ids.State, ids.IsRandom, remote.TraceState)
            : null;

    // Whether there ever was another tracing in this process: until then every request is ours.
    private static bool IsShared => Volatile.Read(ref _instances) > 1;

    private static bool IsOfAnother(RemoteContext? remote, object own) => remote?.Owner is { } owner && owner != own;

    private ActivitySamplingResult Sample(ref ActivityCreationOptions<ActivityContext> options)
    {
        var parent = options.Parent;
        var isChild = !parent.IsRemote && (parent.TraceFlags & ActivityTraceFlags.Recorded) != 0 && !_foreignSpansExist;
        // Most spans.
        if (isChild && !IsShared) return ActivitySamplingResult.AllDataAndRecorded;
        if (Suppression.IsActive) return ActivitySamplingResult.None;

        var remote = RemoteContext.Current;
        if (IsOfAnother(remote, _owner)) return Refuse(ref options, ActivitySamplingResult.None);

        bool record;
        if (parent.TraceId == default)
        {
            var state = HintOf(remote);
            record = _sampler.Decide(state, ref options);
            if (record && state == SamplingState.Debug) options = options with { TraceState = TraceStateList.WithState(null, state) };
        }
        else if (parent.IsRemote)
        {
            record = _sampler.Decide(parent.StateOf(), ref options);
        }
        else if (isChild)
        {
            record = true;
        }
        else if (Activity.Current is { } current && current.SpanId == parent.SpanId)
        {
            var (asked, top) = NearestAsked(current);
            if (asked is not null) return AsItsParent(Recorded(asked), ref options);
            record = _sampler.Decide(StateOfUnasked(top), ref options);
        }
        else
        {
            // A parent that somebody has kept and names now.
            return AsItsParent((parent.TraceFlags & ActivityTraceFlags.Recorded) != 0, ref options);
        }

        return record ? ActivitySamplingResult.AllDataAndRecorded : Refuse(ref options, ActivitySamplingResult.PropagationData);
    }

    // The children of a refused span are not even created.
    private ActivitySamplingResult AsItsParent(bool recorded, ref ActivityCreationOptions<ActivityContext> options) =>
        recorded ? ActivitySamplingResult.AllDataAndRecorded : Refuse(ref options, ActivitySamplingResult.None);

    private ActivitySamplingResult Refuse(ref ActivityCreationOptions<ActivityContext> options, ActivitySamplingResult result)
    {
        _hasRefused = true;
        _refused.Value = (options.Source, options.TraceId, options.Parent.SpanId);
        return result;
    }

    // B3 can decide about a trace without naming it.
    private static SamplingState HintOf(RemoteContext? remote) =>
        remote is { Ids: { HasIds: false, State: var hint } } ? hint : SamplingState.Defer;

    private (Activity? Asked, Activity Top) NearestAsked(Activity activity)
    {
        while (true)
        {
            if (_filter.Accepts(activity.Source)) return (activity, activity);
            if (activity.Parent is not { } parent) return (null, activity);
            activity = parent;
        }
    }

    // A local root that nobody ever asked us about (a bare `new Activity()`, or a source we do not listen to) is no decision of ours, and
    // its flag may be that of another listener: what the caller said is in the headers.
    private static SamplingState StateOfUnasked(Activity top)
    {
        var remote = RemoteContext.Current;
        if (top.ParentSpanId == default) return HintOf(remote);
        if (remote is { Ids: { HasIds: true } ids } && ids.ToActivitySpanId() == top.ParentSpanId) return ids.State;
        return top.Recorded || !MeshMember.Find(top.TraceStateString).IsUndecided ? StateOf(top) : SamplingState.Defer;
    }

    private void OnStarted(Activity activity)
    {
        if (!activity.Recorded)
        {
            // Refused by everybody: the next one with this parent, a retry perhaps, is another.
            if (_hasRefused) _refused.Value = default;
            return;
        }

        if (IsForeign(activity))
        {
            activity.SetCustomProperty(_mark, NotOurs);
            _foreignSpansExist = true;
            return;
        }

        // Whoever gives a start time of long ago looks like a span from before our time, and is none.
        if (activity.StartTimeUtc.Ticks < Volatile.Read(ref _since)) activity.SetCustomProperty(_mark, Ours);
        // The mark of an undecided trace was for the sampler; it has decided.
        if (activity is { Parent: not { Recorded: true }, TraceStateString: { } list } && MeshMember.Find(list).IsUndecided) ClearMark(activity);
        _accounts.SpanStarted();
    }

    // Recorded, but not by our decision: another listener, or another host of this process, wanted it.
    private bool IsForeign(Activity activity)
    {
        if (IsShared && IsOfAnother(RemoteContext.Current, _owner)) return true;
        if (!_hasRefused) return false;
        var (source, trace, parent) = _refused.Value;
        return source == activity.Source && parent == activity.ParentSpanId && trace == activity.TraceId;
    }

    private static void ClearMark(Activity activity)
    {
        // Empty, because null would mean the parent's.
        if (activity.TraceStateString is { } list) activity.TraceStateString = TraceStateList.WithState(list, SamplingState.Accept) ?? "";
    }

    private void OnStopped(Activity activity)
    {
        if (!activity.Recorded || !IsOurs(activity)) return;
        var facts = FactsOf(activity);
        foreach (var exporter in _exporters) exporter.Add(activity, facts);
        facts.Details?.Release();
        // Not before: while an exporter takes it, the last line of the books would know nothing of this span.
        _accounts.SpanEnded();
    }

    // The parent that a reader of the trace will find: an ancestor that is not exported is passed over.
    private SpanFacts FactsOf(Activity activity)
    {
        var parentId = activity.ParentSpanId;
        var isRemote = activity.HasRemoteParent;
        for (var a = activity.Parent; a is not null; a = a.Parent)
        {
            if (IsExported(a))
            {
                (parentId, isRemote) = (a.SpanId, false);
                break;
            }

            (parentId, isRemote) = (a.ParentSpanId, a.HasRemoteParent);
        }

        var flags = (byte)(1 | (IsRandom(activity) ? TraceIds.RandomFlag : 0));
        return new SpanFacts(parentId, isRemote, flags, StateOf(activity) == SamplingState.Debug, SpanDetails.Of(activity));
    }

    private bool IsExported(Activity activity) => Recorded(activity) && _filter.Accepts(activity.Source);

    private bool Recorded(Activity activity) => activity.Recorded && IsOurs(activity);

    // What started before we listened was never counted, and is somebody else's. But where there is nobody else, it only looks like
    // that: an application may give a running span a start time of long ago.
    private bool IsOurs(Activity activity) => !_foreignSpansExist
        || (activity.StartTimeUtc.Ticks < Volatile.Read(ref _since)
            ? activity.GetCustomProperty(_mark) == Ours
            : activity.GetCustomProperty(_mark) != NotOurs);

    private static SamplingState StateOf(Activity activity) =>
        !activity.Recorded ? SamplingState.Deny
        : activity.TraceStateString is { } list && MeshMember.Find(list).IsDebug ? SamplingState.Debug
        : SamplingState.Accept;

    /// <summary>The random flag of W3C level 2. The platform forgets it at the second generation (until .NET 11), so the local root is asked.</summary>
    public bool IsRandom(Activity activity)
    {
        var top = activity;
        while (top.Parent is { } parent) top = parent;
        return top.ParentSpanId == default ? _randomFlag : ((int)top.ActivityTraceFlags & TraceIds.RandomFlag) != 0;
    }
}
