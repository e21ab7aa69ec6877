using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Baggage;

namespace Tracing.Sdk.Tests.Propagation.Baggage;

public sealed class BaggageVectorTests
{
    public static TheoryData<string> Names { get; } = Vector.Names("baggage");

    [Theory, MemberData(nameof(Names))]
    public void Parse_Vector_KeepsTheMembersItSays(string name)
    {
        var vector = Vector.Get("baggage", name);
        var members = BaggageHeader.Parse(vector.Headers.Values("baggage"), out var dropped);

        Assert.Equal(Expected(vector), members ?? []);
        Assert.Equal(vector.Expect.GetProperty("dropped").GetInt32(), dropped);
    }

    [Theory, MemberData(nameof(Names))]
    public void Format_Vector_WritesWhatItSays(string name)
    {
        var vector = Vector.Get("baggage", name);
        var header = BaggageHeader.Format(BaggageHeader.Parse(vector.Headers.Values("baggage"), out _) ?? [], ["*"]);

        Assert.Equal(vector.Text("reinject"), header ?? "");
    }

    [Theory, MemberData(nameof(Names))]
    public void ContextExtractor_Vector_KeepsTheMembersItSays(string name)
    {
        var vector = Vector.Get("baggage", name);

        Assert.Equal(Expected(vector), Some.Extract(vector.Headers).Baggage ?? []);
    }

    [Theory, MemberData(nameof(Names))]
    public void W3CBaggagePropagator_Vector_ReadsKeysAndValues(string name)
    {
        var vector = Vector.Get("baggage", name);
        var baggage = new W3CBaggagePropagator().Extract(default, vector.Headers, Carrier.Getter).Baggage;

        Assert.Equal(Expected(vector).ToDictionary(m => m.Key, m => m.Value), baggage.GetBaggage());
    }

    [Theory, MemberData(nameof(Names))]
    public void W3CBaggagePropagator_VectorPassedOn_KeepsKeysAndValues(string name)
    {
        var vector = Vector.Get("baggage", name);
        var propagator = new W3CBaggagePropagator();
        var came = propagator.Extract(default, vector.Headers, Carrier.Getter);
        var sent = new Carrier();
        propagator.Inject(came, sent, Carrier.Setter);

        Assert.Equal(came.Baggage.GetBaggage(), propagator.Extract(default, sent, Carrier.Getter).Baggage.GetBaggage());
    }

    private static IEnumerable<BaggageMember> Expected(Vector vector) =>
        vector.Expect.GetProperty("entries").EnumerateArray().Select(e => new BaggageMember(e[0].GetString()!, e[1].GetString()!, e[2].GetString()!));
}
