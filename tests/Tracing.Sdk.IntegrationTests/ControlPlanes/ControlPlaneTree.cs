using System.Text;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.ControlPlanes;

/// <summary>
/// The tree that a configuration allows, found by following one request from hop to hop with the rules of Envoy's documentation: a proxy
/// continues the format that its tracer reads, begins a trace where that format is absent, leaves the other format as it came, and writes
/// its ids whether or not it samples. A service continues the trace of its caller at the nearest hop that made a span and wrote its id.
/// </summary>
internal sealed class ControlPlaneTree
{
    private readonly ControlPlane _plane;
    private readonly bool? _observedDecision;
    private readonly bool _observedHit;
    private readonly List<Node> _nodes = [];
    private Context? _w3c;
    private Context? _b3;
    private bool _isDebug;
    private bool _isSingle;
    private int _clock;

    /// <param name="plane">The configuration.</param>
    /// <param name="caller">What the caller sends.</param>
    /// <param name="digit">The digit of its request id that holds Envoy's decision; null without a request id.</param>
    /// <param name="observedHit">Whether chance chose the request, where the percentage is neither 0 nor 100.</param>
    /// <param name="observedDecision">What the proxies decided, where a sampler counts.</param>
    private ControlPlaneTree(ControlPlane plane, ControlPlaneCaller caller, char? digit, bool observedHit, bool observedDecision)
    {
        _plane = plane;
        _observedHit = observedHit;
        _observedDecision = plane.Proxies.Any(proxy => proxy.HasAdaptiveSampler) ? observedDecision : null;
        var trace = new Trace(IsCallers: true);
        var span = new Span(null, IsCallers: true, null);
        _w3c = caller.W3C is { } w3c ? new(trace, span, w3c, 0) : null;
        _b3 = caller.B3 is { } b3 ? new(trace, span, b3, 0) : null;
        (_isDebug, _isSingle) = (caller.IsDebug, caller.IsSingle);
        Digit = digit;
    }

    public enum Entry
    {
        /// <summary>A caller from outside, through the gateway and the sidecar of service a.</summary>
        Gateway,

        /// <summary>A caller in the mesh without a sidecar of its own.</summary>
        Sidecar,

        /// <summary>Work that begins in service a.</summary>
        Service,
    }

    public char? Digit { get; private set; }

    /// <summary>Whether service a records.</summary>
    public bool IsRecorded { get; private set; }

    /// <summary>Whether service b still knows that the trace is a debug trace.</summary>
    public bool IsDebug { get; private set; }

    /// <summary>Whether the services go on with the trace of the caller.</summary>
    public bool IsCallersTrace { get; private set; }

    /// <summary>The spans of the services' trace, as <see cref="SpanOutline"/> writes them.</summary>
    public string Outline { get; private set; } = "";

    public int Count => Outline.Count(character => character == '\n') - Outline.Split("orphan\n").Length + 1;

    public static ControlPlaneTree Of(ControlPlane plane, Entry entry, ControlPlaneCaller caller, char? digit, bool observedHit, bool observedDecision)
    {
        var tree = new ControlPlaneTree(plane, caller, digit, observedHit, observedDecision);
        if (entry == Entry.Gateway) tree.Pass(plane.Gateway, "gateway");
        if (entry != Entry.Service) tree.Pass(plane.Inbound, "inbound-a");
        tree.IsRecorded = tree.Serve("a SERVER", "a CLIENT", out var trace);
        tree.Pass(plane.Outbound, "outbound");
        tree.Pass(plane.Inbound, "inbound-b");
        _ = tree.Serve("b SERVER", null, out _);
        tree.IsDebug = tree._isDebug;
        tree.IsCallersTrace = trace.IsCallers;
        tree.Outline = tree.Write(trace);
        return tree;
    }

    private void Pass(ControlPlaneProxy? proxy, string name)
    {
        if (proxy is null) return;
        // Envoy keeps its decision in the request id: 9 sampled, a and b forced, 4 nothing.
        if (proxy.IsEdge || Digit is null) Digit = '4';
        if (!proxy.Decides) return;
        var isHit = Digit is '9' or 'a' or 'b' || proxy.Percentage >= 100 || (proxy.Percentage > 0 && _observedHit);
        if (proxy.DecidesByRequestId && isHit && Digit == '4') Digit = '9';
        isHit |= !proxy.DecidesByRequestId;
        if (proxy.Formats == TracerFormats.None) return;

        var read = proxy.Formats.HasFlag(TracerFormats.B3) && _b3 is not null ? _b3 : proxy.Formats.HasFlag(TracerFormats.W3C) ? _w3c : null;
        var isSampled =
            // B3 says it for good; in W3C, a sampled caller is sampled only where the proxy decides the same (Envoy 1.39).
            proxy.Formats == TracerFormats.W3C ? (proxy.HasAdaptiveSampler ? _observedDecision!.Value : isHit && read?.Said != Said.No)
            : read is null or { Said: Said.Undecided } ? isHit
            : read.Said == Said.Yes;
        var trace = read?.Trace ?? new Trace(IsCallers: false);
        var span = read?.Span;
        foreach (var kind in proxy.Kinds)
        {
            // A shared span has the caller's own id, also where no span with it is reported.
            if (isSampled || read is null || kind != "SERVER" || !proxy.SharesSpanIds) span = Add(trace, span, isSampled ? $"{name} {kind}" : null);
        }

        if (!proxy.Propagates) return;

        var written = new Context(trace, span!, isSampled ? Said.Yes : Said.No, ++_clock);
        if (proxy.Formats.HasFlag(TracerFormats.W3C)) _w3c = written;
        if (!proxy.Formats.HasFlag(TracerFormats.B3)) return;
        _b3 = written;
        // The d of the single header becomes a 1.
        if (_isSingle) _isDebug = false;
    }

    private bool Serve(string server, string? client, out Trace trace)
    {
        var (chosen, other) = Choose();
        trace = chosen?.Trace ?? new Trace(IsCallers: false);
        // Debug is said by B3 and by the marker; in a trace that is not the caller's it does not count.
        _isDebug &= trace.IsCallers;
        var said = chosen is null || _isDebug ? Said.Yes : chosen.Said != Said.Undecided ? chosen.Said : other?.Said ?? Said.Undecided;
        var isRecorded = said != Said.No;
        var span = chosen?.Span;
        // A proxy that has decided against a debug trace exports no span. Its caller's is the one that the other format, or B3's parent id, still names.
        if (_isDebug && chosen is { Said: Said.No }) span = other is { Said: not Said.No } ? other.Span : span!.Under ?? span;
        // A request id that a service begins says what it has decided.
        Digit ??= isRecorded ? '9' : '4';

        span = Add(trace, span, isRecorded ? server : null);
        if (client is not null) span = Add(trace, span, isRecorded ? client : null);
        _w3c = _b3 = new Context(trace, span, isRecorded ? Said.Yes : Said.No, ++_clock);
        _isSingle = false;
        return isRecorded;
    }

    private (Context? Chosen, Context? Other) Choose()
    {
        if (_w3c is null || _b3 is null) return (_w3c ?? _b3, null);
        if (_w3c.Trace == _b3.Trace) return _b3.Written > _w3c.Written ? (_b3, _w3c) : (_w3c, _b3);

        // Two traces, because the proxies could not read the caller's format. A tracestate with a member says nothing of the origin of the trace: then
        // W3C is continued, as everywhere. Dynatrace's sampler always writes one.
        return _b3.Trace.IsCallers && !_plane.Proxies.Any(proxy => proxy.HasAdaptiveSampler) ? (_b3, null) : (_w3c, null);
    }

    private Span Add(Trace trace, Span? parent, string? label)
    {
        var node = label is null ? null : new Node(label, trace, parent);
        if (node is not null) _nodes.Add(node);
        return new Span(node, IsCallers: false, parent);
    }

    private string Write(Trace trace)
    {
        var text = new StringBuilder();
        var nodes = _nodes.Where(node => node.Trace == trace).ToList();
        foreach (var root in nodes.Where(node => node.Parent is null or { IsCallers: true })) Append(root, 0);
        foreach (var orphan in nodes.Where(node => node.Parent is { IsCallers: false, Node: null }))
        {
            text.Append("orphan\n");
            Append(orphan, 1);
        }

        return text.ToString();

        void Append(Node node, int depth)
        {
            text.Append(' ', 2 * depth).Append(node.Label).Append('\n');
            foreach (var child in nodes.Where(child => child.Parent?.Node == node)) Append(child, depth + 1);
        }
    }

    private sealed class Trace(bool IsCallers)
    {
        public bool IsCallers { get; } = IsCallers;
    }

    /// <summary>A span that is reported.</summary>
    private sealed class Node(string label, Trace trace, Span? parent)
    {
        public string Label => label;
        public Trace Trace => trace;
        public Span? Parent => parent;
    }

    /// <summary>A span id on the wire: of a span that is reported, of the caller, or of none.</summary>
    private sealed record Span(Node? Node, bool IsCallers, Span? Under);

    private sealed record Context(Trace Trace, Span Span, Said Said, int Written);
}
