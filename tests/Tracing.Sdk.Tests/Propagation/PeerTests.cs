using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>
/// The same input through the peers. Where a peer differs, the vector names it in <c>peersDiffer</c>; a difference that is not named
/// is a defect of one side.
/// </summary>
public sealed class PeerTests
{
    private const string Platform = ".NET 10.0.12 W3CPropagator";
    private const string OpenTelemetryW3C = "OpenTelemetry.Api 1.20.1 TraceContextPropagator";
    private const string OpenTelemetryBaggage = "OpenTelemetry.Api 1.20.1 BaggagePropagator";

    private static readonly DistributedContextPropagator PlatformPropagator = DistributedContextPropagator.CreateDefaultPropagator();

    public static TheoryData<string> W3CNames { get; } = Vector.Names("w3c");

    public static TheoryData<string> B3Names { get; } = Vector.Names("b3");

    public static TheoryData<string> BaggageNames { get; } = Vector.Names("baggage");

    [Theory, MemberData(nameof(W3CNames))]
    public void TraceContextPropagator_Vector_DiffersOnlyWhereNamed(string name)
    {
        var vector = Vector.Get("w3c", name);
        var theirs = Describe(new TraceContextPropagator().Extract(default, vector.Headers, Trimmed).ActivityContext);
        var ours = Describe(new W3CTraceContextPropagator().Extract(default, vector.Headers, Trimmed).ActivityContext);

        if (!vector.PeersDiffer.ContainsKey(OpenTelemetryW3C)) Assert.Equal(ours, theirs);
    }

    [Theory, MemberData(nameof(W3CNames))]
    public void PlatformPropagator_TraceContextVector_DiffersOnlyWhereNamed(string name)
    {
        var vector = Vector.Get("w3c", name);
        PlatformPropagator.ExtractTraceIdAndState(vector.Headers, Get, out var traceParent, out var traceState);
        var ours = new W3CTraceContextPropagator().Extract(default, vector.Headers, Trimmed).ActivityContext;

        if (vector.PeersDiffer.ContainsKey(Platform)) return;
        Assert.Equal(ours.IsValid(), traceParent is not null);
        Assert.Equal(ours.TraceState, string.IsNullOrEmpty(traceState) ? null : traceState);
    }

    [Theory, MemberData(nameof(B3Names))]
    public void OpenTelemetryB3Propagator_Vector_DiffersOnlyWhereNamed(string name)
    {
        var vector = Vector.Get("b3", name);
        var ours = new B3TraceContextPropagator().Extract(default, vector.Headers, Trimmed).ActivityContext;
        foreach (var form in new[] { "single", "multi" })
        {
            // It reads one form only; the other form's headers are not its business.
            if (vector.PeersDiffer.ContainsKey($"OTel .NET B3Propagator {form} (63d9cd1, run)")) continue;
            var isSingle = form == "single";
            if (vector.Headers.Any(h => h.Key.Equals("b3", StringComparison.OrdinalIgnoreCase)) != isSingle) continue;
#pragma warning disable CS0618 // Deprecated, and still the peer's code for B3.
            var theirs = new OpenTelemetry.Context.Propagation.B3Propagator(isSingle).Extract(default, vector.Headers, Trimmed).ActivityContext;
#pragma warning restore CS0618
            Assert.Equal((ours.TraceId, ours.SpanId), (theirs.TraceId, theirs.SpanId));
            // It knows two of the four states and takes "undecided" for "not sampled".
            var sampled = ours.StateOf() is SamplingState.Accept or SamplingState.Debug && ours.IsValid();
            Assert.Equal(sampled, theirs.TraceFlags == ActivityTraceFlags.Recorded);
        }
    }

    [Theory, MemberData(nameof(BaggageNames))]
    public void BaggagePropagator_Vector_DiffersOnlyWhereNamed(string name)
    {
        var vector = Vector.Get("baggage", name);
        var theirs = new BaggagePropagator().Extract(default, vector.Headers, Trimmed).Baggage.GetBaggage();
        var ours = new W3CBaggagePropagator().Extract(default, vector.Headers, Trimmed).Baggage.GetBaggage();

        if (!vector.PeersDiffer.ContainsKey(OpenTelemetryBaggage)) Assert.Equal(ours, theirs);
    }

    [Theory, MemberData(nameof(BaggageNames))]
    public void PlatformPropagator_BaggageVector_DiffersOnlyWhereNamed(string name)
    {
        var vector = Vector.Get("baggage", name);
        var theirs = PlatformPropagator.ExtractBaggage(vector.Headers, Get) ?? [];
        var ours = new W3CBaggagePropagator().Extract(default, vector.Headers, Trimmed).Baggage.GetBaggage();

        if (!vector.PeersDiffer.ContainsKey(Platform)) Assert.Equal(ours.OrderBy(m => m.Key, StringComparer.Ordinal), theirs.Select(m => new KeyValuePair<string, string>(m.Key, m.Value!)).OrderBy(m => m.Key, StringComparer.Ordinal));
    }

    // Beyond the vectors: a hundred thousand damaged header sets, and the differences that are known.
    [Fact]
    public void TraceContextPropagator_DamagedHeaders_DiffersOnlyAsKnown()
    {
        var mutator = new HeaderMutator(5);
        var headers = new Dictionary<string, StringValues>();
        var (peer, own) = (new TraceContextPropagator(), new W3CTraceContextPropagator());
        var (compared, known) = (0, 0);
        for (var i = 0; i < 100_000; i++)
        {
            mutator.Next(headers);
            if (IsKnownDifference(headers))
            {
                known++;
                continue;
            }

            compared++;
            var theirs = Describe(peer.Extract(default, headers, Values).ActivityContext);
            var ours = Describe(own.Extract(default, headers, Values).ActivityContext);
            if (ours != theirs) Assert.Fail($"set {i}: {string.Join("; ", headers.Select(h => $"{h.Key}={h.Value}"))}\nours   {ours}\ntheirs {theirs}");
        }

        Assert.InRange(compared, 50_000, 100_000);
        Assert.InRange(known, 1, 50_000);
    }

    private static bool IsKnownDifference(Dictionary<string, StringValues> headers)
    {
        var traceParent = headers.GetValueOrDefault("traceparent").ToString();
        var traceState = headers.GetValueOrDefault("tracestate").ToString();
        // It takes the versions 01 to 0f for 00 and refuses what may follow them.
        if (traceParent.TrimStart().StartsWith('0') && traceParent.Trim().Length > 55) return true;
        // It cuts a long tracestate when it writes, not when it reads.
        if (traceState.Length > 512) return true;
        // It counts the members after it has dropped the duplicates.
        if (traceState.AsSpan().Count(',') >= 32) return true;
        // It trims what is no blank in HTTP: U+00A0, CR, LF.
        if ((traceParent + traceState).AsSpan().ContainsAny("\u00a0\r\n")) return true;
        // Undecided is ignored in a header, and debug counts as sampled.
        return traceState.Contains("mesh=s:u", StringComparison.Ordinal) || traceState.Contains(";s:d", StringComparison.Ordinal);
    }

    // The peers rely on the server for that.
    private static IEnumerable<string>? Trimmed(Carrier carrier, string name) => carrier.Values(name).Select(v => v.Trim(' ', '\t'));

    private static IEnumerable<string>? Values(Dictionary<string, StringValues> headers, string name) =>
        headers.TryGetValue(name, out var values) ? values.Select(v => v!.Trim(' ', '\t')) : null;

    private static string Describe(in ActivityContext context) =>
        context.IsValid() ? $"{context.TraceId}/{context.SpanId} {(int)context.TraceFlags:x2} {(string.IsNullOrEmpty(context.TraceState) ? "-" : context.TraceState)}" : "none";

    private static void Get(object? carrier, string name, out string? value, out IEnumerable<string>? values)
    {
        // As hosting asks: several fields come as one text.
        var all = ((Carrier)carrier!).Values(name);
        value = all.Length == 0 ? null : string.Join(',', all).Trim(' ', '\t');
        values = null;
    }
}
