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
    private static int _instances;

    // Set once anybody else's decision has differed from ours: another listener, or another host in this process.
    // Until then no span needs a mark and nobody looks for one.
    private static volatile bool _foreignSpansExist;

    // What Sample has just refused on this thread, for the ActivityStarted that follows if somebody else wanted it.
    [ThreadStatic]
    private static (SpanRecorder? By, ActivitySource? Source, ActivitySpanId Parent) _refused;

    private readonly ActivityListener _listener;
    private readonly SourceFilter _filter;
    private readonly TraceSampler _sampler;
    private readonly bool _randomFlag;
    private readonly object _owner;
    private readonly SpanExporter[] _exporters;
    private readonly SpanAccounts _accounts;
    private readonly string _notOurs = $"Tracing.Sdk.NotOurs.{Interlocked.Increment(ref _instances)}";

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
        };
    }

    /// <summary>Begins to listen.</summary>
    public void Start() => ActivitySource.AddActivityListener(_listener);

    public void Dispose() => _listener.Dispose();

    /// <summary>
    /// What an outbound call may say of this Activity: its own ids if it is exported, else those of the nearest exported ancestor,
    /// else what came in. Null when there is nothing at all to say.
    /// </summary>
    public OutboundContext? ContextToSend(Activity? activity)
    {
        if (activity is null or { IdFormat: not ActivityIdFormat.W3C }) return CameIn();
        var top = activity;
        for (var a = activity; a is not null; a = a.Parent)
        {
            if (IsExported(a)) return new OutboundContext(a.TraceId.ToHexString(), a.SpanId.ToHexString(), StateOf(a), IsRandom(a), a.TraceStateString);
            top = a;
        }

        // Nothing of this trace is exported here. If we refused it, the flag says so; if nobody asked us, it is still the caller's.
        var spanId = top.ParentSpanId == default ? top.SpanId : top.ParentSpanId;
        return new OutboundContext(top.TraceId.ToHexString(), spanId.ToHexString(), StateOf(top), IsRandom(top), top.TraceStateString);
    }

    private static OutboundContext? CameIn() =>
        RemoteContext.Current is { Ids: { HasIds: true } ids } remote
            ? new OutboundContext(
                ids.ToActivityTraceId().ToHexString(), ids.ToActivitySpanId().ToHexString(), ids.State, ids.IsRandom, remote.TraceState)
            : null;

    private ActivitySamplingResult Sample(ref ActivityCreationOptions<ActivityContext> options)
    {
        var remote = RemoteContext.Current;
        if (remote?.Owner is { } owner && owner != _owner) return Refuse(ref options, ActivitySamplingResult.None);

        var parent = options.Parent;
        bool record;
        if (parent.TraceId == default)
        {
            var state = remote is { Ids: { HasIds: false, State: var hint } } ? hint : SamplingState.Defer;
            record = _sampler.Decide(state, ref options);
            if (record && state == SamplingState.Debug) options = options with { TraceState = TraceStateList.WithState(null, state) };
        }
        else if (parent.IsRemote)
        {
            record = _sampler.Decide(parent.StateOf(), ref options);
        }
        else if ((parent.TraceFlags & ActivityTraceFlags.Recorded) != 0 && !_foreignSpansExist)
        {
            record = true;
        }
        else if (Undecided(parent))
        {
            record = _sampler.Decide(SamplingState.Defer, ref options);
        }
        else
        {
            // The children of a refused span are not even created.
            return ParentIsOurs(parent) ? ActivitySamplingResult.AllDataAndRecorded : Refuse(ref options, ActivitySamplingResult.None);
        }

        return record ? ActivitySamplingResult.AllDataAndRecorded : Refuse(ref options, ActivitySamplingResult.PropagationData);
    }

    private ActivitySamplingResult Refuse(ref ActivityCreationOptions<ActivityContext> options, ActivitySamplingResult result)
    {
        _refused = (this, options.Source, options.Parent.SpanId);
        return result;
    }

    // A local parent that nobody ever asked us about (a bare `new Activity()`, or a source we do not listen to) is no decision.
    private bool Undecided(in ActivityContext parent)
    {
        if ((parent.TraceFlags & ActivityTraceFlags.Recorded) != 0) return false;
        if (Activity.Current is not { } a || a.SpanId != parent.SpanId) return false;
        while (true)
        {
            if (_filter.Accepts(a.Source.Name)) return false;
            if (a.Parent is null) return a.ParentSpanId == default;
            a = a.Parent;
        }
    }

    private bool ParentIsOurs(in ActivityContext parent)
    {
        if ((parent.TraceFlags & ActivityTraceFlags.Recorded) == 0) return false;
        return Activity.Current is not { } a || a.SpanId != parent.SpanId || a.GetCustomProperty(_notOurs) is null;
    }

    private void OnStarted(Activity activity)
    {
        if (!activity.Recorded) return;
        if (IsForeign(activity))
        {
            activity.SetCustomProperty(_notOurs, _notOurs);
            _foreignSpansExist = true;
            return;
        }

        // The mark of an undecided trace was for the sampler; it has decided.
        if (activity is { HasRemoteParent: true, TraceStateString: { } list } && MeshMember.Find(list).IsUndecided)
        {
            activity.TraceStateString = TraceStateList.WithState(list, SamplingState.Accept);
        }

        _accounts.SpanStarted();
    }

    // Recorded, but not by our decision: another listener, or another host of this process, wanted it.
    private bool IsForeign(Activity activity)
    {
        if (RemoteContext.Current?.Owner is { } owner && owner != _owner) return true;
        if (_refused.By != this || _refused.Source != activity.Source || _refused.Parent != activity.ParentSpanId) return false;
        _refused = default;
        return true;
    }

    private void OnStopped(Activity activity)
    {
        if (!activity.Recorded || !IsOurs(activity)) return;
        var facts = FactsOf(activity);
        foreach (var exporter in _exporters) exporter.Add(activity, facts);
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
        return new SpanFacts(parentId, isRemote, flags, StateOf(activity) == SamplingState.Debug);
    }

    private bool IsExported(Activity activity) => activity.Recorded && _filter.Accepts(activity.Source.Name) && IsOurs(activity);

    private bool IsOurs(Activity activity) => !_foreignSpansExist || activity.GetCustomProperty(_notOurs) is null;

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
