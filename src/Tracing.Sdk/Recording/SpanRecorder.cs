using System.Diagnostics;
using Tracing.Sdk.Export;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>
/// Decides which Activities are recorded, hands each to the exporters on the thread that stops it, and knows whose id may leave the
/// process: only that of a span that is exported, or the one that came in.
/// </summary>
internal sealed class SpanRecorder : IDisposable
{
    private const string ReplacementKey = "Tracing.Sdk.Replacement";

    private static readonly object Ours = new();
    private static readonly object NotOurs = new();
    private static int _instances;
    private static int _live;

    // Set once another listener, or another host in this process, has decided differently. Until then no span needs a mark, and none is
    // looked for.
    private static volatile bool _foreignSpansExist;

    // What Sample has refused last on this thread, for the ActivityStarted that follows if another listener wanted it.
    // Not disposed: a span may start on another thread while we stop.
    private readonly ThreadLocal<(ActivitySource? Source, ActivityTraceId Trace, ActivitySpanId Parent)> _refused = new();

    private readonly ActivityListener _listener;
    private readonly SourceFilter _filter;
    private readonly TraceSampler _sampler;
    private readonly bool _randomFlag;
    private readonly object _owner;
    private readonly SpanExporter[] _exporters;
    private readonly SpanAccounts _accounts;
    private readonly CoexistenceWarnings _warnings;
    private readonly string _mark = $"Tracing.Sdk.{Interlocked.Increment(ref _instances)}";
    private long _since = long.MaxValue;

    // Whether another recorder was live when this one started.
    private bool _isSecond;

    // Whether anything was ever refused: until then _refused is not read.
    private volatile bool _hasRefused;

    /// <param name="owner">The tracing this recorder belongs to; requests of another owner are not recorded here.</param>
    /// <param name="filter">Which sources to listen to.</param>
    /// <param name="sampler">What to record of them.</param>
    /// <param name="randomFlag">Whether traces that start here carry the random flag of W3C level 2.</param>
    /// <param name="exporters">Where recorded spans go.</param>
    /// <param name="accounts">Where they are counted.</param>
    /// <param name="warnings">Where other tracing in the process is reported.</param>
    public SpanRecorder(
        object owner, SourceFilter filter, TraceSampler sampler, bool randomFlag, SpanExporter[] exporters, SpanAccounts accounts,
        CoexistenceWarnings warnings)
    {
        (_owner, _filter, _sampler, _randomFlag, _exporters, _accounts) = (owner, filter, sampler, randomFlag, exporters, accounts);
        _warnings = warnings;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => !OtherListeners.IsProbe(source) && filter.ShouldListenTo(source),
            Sample = Sample,
            ActivityStarted = OnStarted,
            ActivityStopped = OnStopped,
            ExceptionRecorder = RecordedExceptions.Add,
        };
    }

    /// <summary>Whether any recorder of this process listens.</summary>
    public static bool IsAnyLive => Volatile.Read(ref _live) > 0;

    /// <summary>Begins to listen.</summary>
    public void Start()
    {
        // Requests of another host may be under way, and carry no owner if that host was alone; or a span of another listener is open.
        _isSecond = Interlocked.Increment(ref _live) > 1;
        if (_isSecond || Activity.Current is { Recorded: true }) _foreignSpansExist = true;
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
    /// The context that an outbound call sends for this Activity: its own ids if it is exported, else those of the nearest exported ancestor, which may
    /// be the caller's span. Where no ancestor is exported, the local root names this hop. Null when there is no context to send.
    /// </summary>
    public OutboundContext? ContextToSend(Activity? activity)
    {
        while (activity is { IdFormat: not ActivityIdFormat.W3C }) activity = activity.Parent;
        if (activity is null) return ContextWithoutActivity();
        var top = activity;
        var wasAsked = false;
        for (var a = activity; a is not null; a = a.Parent)
        {
            if (IsExported(a)) return new OutboundContext(a.TraceId.ToHexString(), a.SpanId.ToHexString(), StateOf(a), IsRandom(a), a.TraceStateString);
            wasAsked |= _filter.Accepts(a.Source);
            // One without W3C ids has none to send; it may still have an ancestor that has.
            if (a.IdFormat == ActivityIdFormat.W3C) top = a;
        }

        // The caller's trace has been left, and code outside of the endpoint still runs below its span.
        if (top.GetCustomProperty(ReplacementKey) is Activity replacement) return ContextToSend(replacement);

        // Nothing of this trace is exported here. If it was sampled here, it was refused; if not, the caller's decision goes on with the caller's id.
        var state = wasAsked || top.ParentSpanId == default ? SamplingState.Deny : StateOfUnasked(top);
        if (state == SamplingState.Defer) state = DecideAlone(top.TraceId);
        var isOwnHop = top.ParentSpanId == default || (state == SamplingState.Deny && !MayBeExportedByCaller(top));
        var spanId = isOwnHop ? top.SpanId : top.ParentSpanId;
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
            // Marked: the start was not counted as unsampled.
            var isMarked = activity.GetCustomProperty(_mark) == NotOurs;
            if (!activity.Recorded && !isMarked) _accounts.UnsampledEnded();
            if (isMarked || !IsOurs(activity)) activity.SetCustomProperty(_mark, Ours);
            activity.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
            activity.IsAllDataRequested = true;
            _accounts.SpanStarted(activity);
        }
        else
        {
            TakeBack(activity);
        }
    }

    /// <summary>Leaves a running Activity out of the record as if it had not been sampled: its start is no longer counted.</summary>
    public void TakeBack(Activity activity)
    {
        if (!activity.Recorded || !IsOurs(activity)) return;
        Unsample(activity);
        _accounts.SpanTakenBack();
    }

    /// <summary>Names the Activity that stands for one that was taken back: calls below the latter leave with the former's ids.</summary>
    public static void Replace(Activity takenBack, Activity replacement) => takenBack.SetCustomProperty(ReplacementKey, replacement);

    // From now on it is one that was refused.
    private void Unsample(Activity activity)
    {
        activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        activity.IsAllDataRequested = false;
        _accounts.UnsampledStarted();
    }

    private OutboundContext? ContextWithoutActivity()
    {
        if (RemoteContext.Current is not { Ids: { HasIds: true } ids } remote) return null;
        var traceId = ids.ToActivityTraceId();
        var state = ids.State == SamplingState.Defer ? DecideAlone(traceId) : ids.State;
        var spanId = state == SamplingState.Deny && !remote.IsSampledByCaller ? ActivitySpanId.CreateRandom() : ids.ToActivitySpanId();
        return new OutboundContext(traceId.ToHexString(), spanId.ToHexString(), state, ids.IsRandom, remote.TraceState);
    }

    private SamplingState DecideAlone(ActivityTraceId traceId) => _sampler.DecideAlone(traceId) ? SamplingState.Accept : SamplingState.Deny;

    // Of a local root that is not exported. Without the caller's headers: a caller that had sampled would have been followed.
    private bool MayBeExportedByCaller(Activity top) =>
        RemoteContext.Current is { Ids: { HasIds: true } ids } remote && ids.ToActivitySpanId() == top.ParentSpanId
            ? remote.IsSampledByCaller
            : !_sampler.FollowsParent;

    // Whether there ever was another tracing in this process: until then every request is ours.
    private static bool IsShared => Volatile.Read(ref _instances) > 1;

    private static bool IsOfAnother(RemoteContext? remote, object own) => remote?.Owner is { } owner && owner != own;

    private ActivitySamplingResult Sample(ref ActivityCreationOptions<ActivityContext> options)
    {
        var parent = options.Parent;
        var isChild = !parent.IsRemote && (parent.TraceFlags & ActivityTraceFlags.Recorded) != 0 && !_foreignSpansExist;
        // Most spans.
        if (isChild && !IsShared && !OpenTelemetrySdk.IsLoaded) return ActivitySamplingResult.AllDataAndRecorded;

        if (Suppression.IsActive) return Refuse(ref options, ActivitySamplingResult.None);
        // What was refused before this and never created must not be taken for what comes now.
        if (_hasRefused) _refused.Value = default;
        _warnings.CheckRecording();
        if (isChild && !IsShared) return ActivitySamplingResult.AllDataAndRecorded;

        var remote = RemoteContext.Current;
        if (IsOfAnother(remote, _owner)) return Refuse(ref options, ActivitySamplingResult.None);

        bool record;
        if (parent.TraceId == default)
        {
            var state = HintOf(remote);
            record = _sampler.Decide(state, ref options);
            if (record && _isSecond && remote?.Owner is null && Volatile.Read(ref _live) > 1) _warnings.RecordedTwice();
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
        else if (MeshMember.Find(parent.TraceState).IsUndecided)
        {
            record = _sampler.Decide(SamplingState.Defer, ref options);
        }
        else
        {
            // A parent that was kept and is named now: by the application, or by a library that read it from a message and did not call it remote.
            return AsItsParent((parent.TraceFlags & ActivityTraceFlags.Recorded) != 0, ref options, isReceived: options.Kind is ActivityKind.Consumer or ActivityKind.Server);
        }

        return record ? ActivitySamplingResult.AllDataAndRecorded : Refuse(ref options, ActivitySamplingResult.PropagationData);
    }

    // The children of a refused span are not even created, but for those that carry the refusal on: out of the process by a library that starts
    // a span in order to inject it, or into what is done with a message that was received.
    private ActivitySamplingResult AsItsParent(bool recorded, ref ActivityCreationOptions<ActivityContext> options, bool isReceived = false) =>
        recorded ? ActivitySamplingResult.AllDataAndRecorded
        : Refuse(ref options, isReceived || IsInjected(options) ? ActivitySamplingResult.PropagationData : ActivitySamplingResult.None);

    // Calls by HTTP need no Activity: their headers are written from the context that surrounds them.
    private static bool IsInjected(in ActivityCreationOptions<ActivityContext> options) =>
        options.Kind == ActivityKind.Producer
        || (options.Kind == ActivityKind.Client && options.Source.Name is not (SourceNames.HttpClient or SourceNames.OwnHttpClient));

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

    // A local root that was never sampled here (a bare `new Activity()`, or a source we do not listen to) is no decision of ours, and its
    // flag may be that of another listener: the decision of the caller is in the headers.
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
            // Refused by all listeners: the next one with this parent, a retry perhaps, is another.
            if (_hasRefused) _refused.Value = default;
            OnUnsampledStarted(activity);
            return;
        }

        if (IsForeign(activity))
        {
            activity.SetCustomProperty(_mark, NotOurs);
            _foreignSpansExist = true;
            return;
        }

        if (!HasIds(activity))
        {
            _warnings.NotW3C(activity);
            Unsample(activity);
            return;
        }

        // A span with an explicit early start time looks like one from before this recorder listened.
        // Where spans of others exist, user code may still move the start time of this one.
        if (activity.StartTimeUtc.Ticks < Volatile.Read(ref _since) || _foreignSpansExist) activity.SetCustomProperty(_mark, Ours);
        // The mark of an undecided trace is for the sampler, which has decided now.
        if (activity is { Parent: not { Recorded: true }, TraceStateString: { } list } && MeshMember.Find(list).IsUndecided) ClearMark(activity);
        _accounts.SpanStarted(activity);
    }

    private void OnUnsampledStarted(Activity activity)
    {
        // Where another listener wants its data, it would look at its end like a recorded span whose flag user code has cleared.
        if (activity.IsAllDataRequested) activity.SetCustomProperty(_mark, NotOurs);
        else _accounts.UnsampledStarted();
    }

    // An application can set the hierarchical format for one activity, and name a parent without a trace id.
    private static bool HasIds(Activity activity)
    {
        if (activity.IdFormat != ActivityIdFormat.W3C) return false;
        var traceId = activity.TraceId.ToHexString();
        return traceId[0] != '0' || traceId.AsSpan().ContainsAnyExcept('0');
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
        if (!activity.Recorded)
        {
            OnUnsampledStopped(activity);
            return;
        }

        if (!IsOurs(activity)) return;
        if (!HasIds(activity))
        {
            // Unsampled at its start, and the flag was set again by hand.
            _accounts.UnsampledEnded();
            return;
        }

        var facts = FactsOf(activity);
        foreach (var exporter in _exporters) exporter.Add(activity, facts);
        facts.Details?.Release();
        // Not before: the last line would miss a span that an exporter is just taking.
        _accounts.SpanEnded();
    }

    private void OnUnsampledStopped(Activity activity)
    {
        // What belongs to another, or was never seen to start, is not counted.
        if (activity.GetCustomProperty(_mark) == NotOurs || activity.StartTimeUtc.Ticks < Volatile.Read(ref _since)) return;
        if (activity.IsAllDataRequested) _accounts.SpanFiltered();
        else _accounts.UnsampledEnded();
    }

    // The parent that a reader of the trace will find: an ancestor that is not exported is passed over.
    private SpanMetadata FactsOf(Activity activity)
    {
        var parentId = activity.ParentSpanId;
        var isRemote = activity.HasRemoteParent;
        // Below a parent without W3C ids the platform begins another trace.
        for (var a = activity.Parent; a is { IdFormat: ActivityIdFormat.W3C }; a = a.Parent)
        {
            if (IsExported(a))
            {
                (parentId, isRemote) = (a.SpanId, false);
                break;
            }

            (parentId, isRemote) = (a.ParentSpanId, a.HasRemoteParent);
        }

        var flags = (byte)(1 | (IsRandom(activity) ? TraceIds.RandomFlag : 0));
        return new SpanMetadata(parentId, isRemote, flags, StateOf(activity) == SamplingState.Debug, SpanDetails.Of(activity));
    }

    private bool IsExported(Activity activity) => Recorded(activity) && _filter.Accepts(activity.Source);

    private bool Recorded(Activity activity) => activity.Recorded && IsOurs(activity);

    // What started before this recorder listened was never counted, and is not recorded. Where no other listener has decided differently,
    // it only looks like that: an application may give a running span an early start time.
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
        while (top.Parent is { IdFormat: ActivityIdFormat.W3C } parent) top = parent;
        return top.ParentSpanId == default ? _randomFlag : ((int)top.ActivityTraceFlags & TraceIds.RandomFlag) != 0;
    }
}
