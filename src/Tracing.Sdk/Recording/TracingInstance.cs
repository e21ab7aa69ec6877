using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>What requests and calls use of one tracing: how contexts are read and written, and what records spans. A process may have several instances, one for each
/// host; <see cref="Find"/> is the one place that says which of them the running code belongs to.</summary>
internal sealed class TracingInstance
{
    private static readonly Lock Gate = new();

    // In the order of their start. Replaced as a whole under the lock, read without it.
    private static TracingInstance[] _started = [];

    private readonly RulesInForce _rules;
    private ForwardListener? _forwardListener;

    // Without a recorder, headers are only forwarded.
    public TracingInstance(
        ContextPropagation propagation, RulesInForce rules, SpanMetrics metrics, CoexistenceWarnings warnings, Func<TracingInstance, SpanRecorder>? createRecorder)
    {
        (Propagation, _rules, Metrics, Warnings) = (propagation, rules, metrics, warnings);
        EmptyContext = new RemoteContext { Owner = this };
        Recorder = createRecorder?.Invoke(this);
    }

    public ContextPropagation Propagation { get; }
    public CoexistenceWarnings Warnings { get; }
    public SpanMetrics Metrics { get; }

    /// <summary>What is sampled and what is ignored. Read once for each decision: it may change.</summary>
    public TracingRules Rules
    {
        get => _rules.Current;
        set => _rules.Current = value;
    }

    /// <summary>The application's functions that add to spans of calls.</summary>
    public required EnrichOptions Enrich { get; init; }

    /// <summary>What spans show of URLs.</summary>
    public required UrlRedaction Urls { get; init; }

    /// <summary>Reports what the application's functions throw.</summary>
    public required UserCode UserCode { get; init; }

    /// <summary>Null when headers are only forwarded.</summary>
    public SpanRecorder? Recorder { get; }

    /// <summary>Whether the host has routed a request, so that the metadata of its endpoints exists.</summary>
    public bool AreEndpointsKnown { get; set; }

    /// <summary>The context of requests that brought none, shared by all of them.</summary>
    public RemoteContext EmptyContext { get; }

    /// <summary>The instance that the running code belongs to: that of its request, else the oldest in the process, because a request that began while that one was alone
    /// may have no context. Null when there is none.</summary>
    public static TracingInstance? Find()
    {
        if (RemoteContext.Current?.Owner is TracingInstance owner) return owner;
        var started = Volatile.Read(ref _started);
        return started.Length == 0 ? null : started[0];
    }

    public void Start()
    {
        lock (Gate) _started = [.. _started, this];
        Recorder?.Start();
    }

    public void Stop()
    {
        Recorder?.Dispose();
        _forwardListener?.Dispose();
        lock (Gate) _started = Array.FindAll(_started, t => t != this);
    }

    /// <summary>Reads the context of a request and makes it current.</summary>
    public RemoteContext Receive(IDictionary<string, StringValues> headers)
    {
        SpanSampler.LastDecision = null;
        var remote = Propagation.Extract(headers, EmptyContext);
        if (remote.Conflict != ContextConflict.None) Metrics.Conflict((int)remote.Conflict);

        // Without a context, code of the request is found by being alone: setting an AsyncLocal would allocate.
        var isAlone = Volatile.Read(ref _started) is [var only] && only == this;
        if (remote != EmptyContext || !isAlone || RemoteContext.Current is not null) RemoteContext.Current = remote;
        return remote;
    }

    /// <summary>Ignores the request that the running code belongs to, from now on: it has no spans, and the headers that came in go on as in forward mode.</summary>
    /// <param name="headers">The headers of the request.</param>
    /// <param name="activity">Its activity; null when there is none.</param>
    public void IgnoreRequest(IDictionary<string, StringValues> headers, Activity? activity)
    {
        if (activity is { Kind: ActivityKind.Server }) Recorder?.TakeBack(activity);
        var request = new IgnoredRequest(activity, Rules.EndedParentTimeout, EmptyContext);
        RemoteContext.ReplaceCurrent(Propagation.Ignore(RemoteContext.Current ?? EmptyContext, headers, request), shared: EmptyContext);
    }

    /// <summary>Sets the source from which the host starts the Activities of its requests. It is listened to where headers are only forwarded.</summary>
    public void ListenToRequests(ActivitySource source)
    {
        if (Recorder is null) _forwardListener ??= new ForwardListener(source, Warnings);
    }

    /// <summary>Warns once of other tracing in this process that makes spans of the same requests, calls or messages.</summary>
    public void CheckOtherTracing()
    {
        if (Recorder is not null) Warnings.CheckRecording();
        else Warnings.CheckForwarding(_forwardListener?.RequestSource);
    }
}
