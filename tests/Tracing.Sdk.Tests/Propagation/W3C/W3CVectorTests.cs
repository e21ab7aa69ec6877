using System.Diagnostics;
using OpenTelemetry;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation.W3C;

public sealed class W3CVectorTests
{
    public static TheoryData<string> Names { get; } = Vector.Names("w3c");

    [Theory, MemberData(nameof(Names))]
    public void ContextExtractor_Vector_ReadsWhatItSays(string name)
    {
        var vector = Vector.Get("w3c", name);
        var remote = Some.Extract(vector.Headers);

        Assert.Equal(vector.Text("action") == "continue", remote.Ids.HasIds);
        Assert.Equal(vector.Text("tracestate"), remote.TraceState);
        if (!remote.Ids.HasIds)
        {
            Assert.Null(remote.TraceParent);
            return;
        }

        Assert.Equal(vector.Text("traceId"), Some.TraceIdOf(remote.Ids));
        Assert.Equal(vector.Text("parentId"), Some.SpanIdOf(remote.Ids));
        Assert.Equal(vector.Flag("sampled") ? SamplingState.Accept : SamplingState.Deny, remote.Ids.State);
        Assert.Equal(vector.Flag("random"), remote.Ids.IsRandom);
    }

    // The platform parents its request Activity from this string, and is stricter than this library.
    [Theory, MemberData(nameof(Names))]
    public void ContextExtractor_Vector_HandsThePlatformAVersion00(string name)
    {
        var vector = Vector.Get("w3c", name);
        var remote = Some.Extract(vector.Headers);

        var expected = vector.Text("action") == "continue"
            ? $"00-{vector.Text("traceId")}-{vector.Text("parentId")}-{vector.Text("outFlagsIfUnchanged")}"
            : null;
        Assert.Equal(expected, remote.TraceParent);
        Assert.Equal(expected is not null, ActivityContext.TryParse(remote.TraceParent, remote.TraceState, out _));
    }

    [Theory, MemberData(nameof(Names))]
    public void W3CTraceContextPropagator_Vector_ReadsWhatItSays(string name)
    {
        var vector = Vector.Get("w3c", name);
        var context = new W3CTraceContextPropagator().Extract(default, vector.Headers, Carrier.Getter).ActivityContext;

        Assert.Equal(vector.Text("action") == "continue", context.IsValid());
        Assert.Equal(vector.Text("tracestate"), context.TraceState);
        if (!context.IsValid()) return;
        Assert.True(context.IsRemote);
        Assert.Equal(vector.Text("traceId"), context.TraceId.ToHexString());
        Assert.Equal(vector.Text("parentId"), context.SpanId.ToHexString());
        Assert.Equal((vector.Flag("sampled") ? 1 : 0) + (vector.Flag("random") ? 2 : 0), (int)context.TraceFlags);
    }

    [Theory, MemberData(nameof(Names))]
    public void W3CTraceContextPropagator_VectorPassedOn_KeepsIdsFlagsAndList(string name)
    {
        var vector = Vector.Get("w3c", name);
        var propagator = new W3CTraceContextPropagator();
        var sent = new Carrier();
        propagator.Inject(propagator.Extract(default, vector.Headers, Carrier.Getter), sent, Carrier.Setter);

        var continues = vector.Text("action") == "continue";
        Assert.Equal(
            continues ? $"00-{vector.Text("traceId")}-{vector.Text("parentId")}-{vector.Text("outFlagsIfUnchanged")}" : null, sent["traceparent"]);
        Assert.Equal(continues ? vector.Text("tracestate") : null, sent["tracestate"]);
    }

    [Theory, MemberData(nameof(Names))]
    public void W3CTraceContextPropagator_VectorThatRestarts_NeverLooksAtTraceState(string name)
    {
        var vector = Vector.Get("w3c", name);
        _ = new W3CTraceContextPropagator().Extract(default, vector.Headers, Carrier.Getter);

        Assert.Equal(vector.Text("action") == "continue", vector.Headers.Asked.Contains("tracestate"));
    }

    [Theory, MemberData(nameof(Names))]
    public void ContextExtractor_VectorThatRestarts_NeverLooksAtTraceState(string name)
    {
        var vector = Vector.Get("w3c", name);
        _ = Some.Extract(vector.Headers);

        Assert.Equal(vector.Text("action") == "continue", vector.Headers.Asked.Contains("tracestate"));
    }
}
