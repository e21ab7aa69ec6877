using OpenTelemetry;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation.B3;

public sealed class B3VectorTests
{
    public static TheoryData<string> Names { get; } = Vector.Names("b3");

    public static TheoryData<string> NamesOfAccepted { get; } = Vector.NamesWhere("b3", "source");

    public static TheoryData<string> NamesOfContexts { get; } = Vector.NamesWhere("b3", "result", "context");

    [Theory, MemberData(nameof(Names))]
    public void ContextExtractor_Vector_ReadsWhatItSays(string name) => Check(name, PropagationSettings.Default);

    [Theory, MemberData(nameof(Names))]
    public void ContextExtractor_VectorWithB3Alone_ReadsTheSame(string name) => Check(name, Some.B3Only);

    [Theory, MemberData(nameof(NamesOfAccepted))]
    public void ContextExtractor_Vector_TheOtherFormDoesNotCount(string name)
    {
        var vector = Vector.Get("b3", name);
        var source = vector.Text("source");
        var named = new Carrier(vector.Headers.Where(h => h.Key.Equals("b3", StringComparison.OrdinalIgnoreCase) == (source == "single")));

        Assert.Equal(Some.Extract(named).Ids, Some.Extract(vector.Headers).Ids);
    }

    [Theory, MemberData(nameof(Names))]
    public void B3Propagator_Vector_ReadsIdsAndState(string name)
    {
        var vector = Vector.Get("b3", name);
        var context = new B3TraceContextPropagator().Extract(default, vector.Headers, Carrier.Getter).ActivityContext;

        // A decision without ids has no place in this contract.
        Assert.Equal(vector.Text("result") == "context", context.IsValid());
        if (!context.IsValid()) return;
        Assert.True(context.IsRemote);
        Assert.Equal(vector.Text("traceId"), context.TraceId.ToHexString());
        Assert.Equal(vector.Text("spanId"), context.SpanId.ToHexString());
        Assert.Equal(vector.State(), context.StateOf());
    }

    [Theory, MemberData(nameof(Names))]
    public void B3Propagator_VectorPassedOnInEitherForm_KeepsIdsAndState(string name)
    {
        var vector = Vector.Get("b3", name);
        foreach (var singleHeader in new[] { true, false })
        {
            var propagator = new B3TraceContextPropagator(singleHeader);
            var came = propagator.Extract(default, vector.Headers, Carrier.Getter);
            var sent = new Carrier();
            propagator.Inject(came, sent, Carrier.Setter);

            Assert.Equal(came, propagator.Extract(default, sent, Carrier.Getter));
            // Only proxies send a parent id.
            Assert.Null(sent["X-B3-ParentSpanId"]);
        }
    }

    private static void Check(string name, PropagationSettings settings)
    {
        var vector = Vector.Get("b3", name);
        var ids = Some.Extract(vector.Headers, settings).Ids;

        Assert.Equal(vector.Text("result") == "context", ids.HasIds);
        Assert.Equal(vector.Text("result") == "none" ? SamplingState.Defer : vector.State(), ids.State);
        Assert.False(ids.IsRandom);
        if (!ids.HasIds) return;
        Assert.Equal(vector.Text("traceId"), Some.TraceIdOf(ids));
        Assert.Equal(vector.Text("spanId"), Some.SpanIdOf(ids));
        Assert.Equal(vector.Text("parentSpanId"), ids.ParentSpanId == 0 ? null : Some.Digits(ids.ParentSpanId));
        if (vector.Expect.GetProperty("traceIdBits").GetInt32() == 64) Assert.Equal(0UL, ids.TraceHigh);
    }
}
