using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Tests.Propagation.Mesh;

public sealed class MarkerTests
{
    private const ulong Id = 0xb7ad6b7169203331;

    [Theory]
    [InlineData(null, 0, false, false)]
    [InlineData("", 0, false, false)]
    [InlineData("foo=1", 0, false, false)]
    [InlineData("mesh=p:b7ad6b7169203331", Id, false, false)]
    [InlineData("foo=1,mesh=p:b7ad6b7169203331", Id, false, false)]
    [InlineData("mesh=p:b7ad6b7169203331;s:d", Id, true, false)]
    [InlineData("mesh=s:d;p:b7ad6b7169203331", Id, true, false)]
    [InlineData("mesh=s:d", 0, true, false)]
    [InlineData("mesh=s:u", 0, false, true)]
    // Looks like a marker, but is none.
    [InlineData("xmesh=p:b7ad6b7169203331", 0, false, false)]
    [InlineData("mesh@x=p:b7ad6b7169203331", 0, false, false)]
    [InlineData("foo=mesh", 0, false, false)]
    // What a later version may add, and what a stranger may make up.
    [InlineData("mesh=v:2;p:b7ad6b7169203331;x", Id, false, false)]
    [InlineData("mesh=;;;", 0, false, false)]
    [InlineData("mesh=p:", 0, false, false)]
    [InlineData("mesh=p:nonsense", 0, false, false)]
    [InlineData("mesh=p:0000000000000000", 0, false, false)]
    [InlineData("mesh=p:B7AD6B7169203331", 0, false, false)]
    [InlineData("mesh=p:b7ad6b7169203331a", 0, false, false)]
    [InlineData("mesh=p: b7ad6b7169203331", 0, false, false)]
    [InlineData("mesh=s:D", 0, false, false)]
    [InlineData("mesh=s:debug", 0, false, false)]
    [InlineData("mesh=s:", 0, false, false)]
    // The first of two counts, even if it is nonsense.
    [InlineData("mesh=p:b7ad6b7169203331;p:e457b5a2e4d86bd1", Id, false, false)]
    [InlineData("mesh=p:nonsense;p:e457b5a2e4d86bd1", 0, false, false)]
    [InlineData("mesh=s:u;s:d", 0, false, true)]
    [InlineData("mesh=s:x;s:d", 0, false, false)]
    [InlineData("mesh=p:b7ad6b7169203331,mesh=s:d", Id, false, false)]
    public void Find_List_ReadsOurMember(string? list, ulong spanId, bool isDebug, bool isUndecided) =>
        Assert.Equal(new Marker(spanId, isDebug, isUndecided), Marker.Find(list));

    [Theory]
    [InlineData("-00", "mesh=s:u", nameof(SamplingState.Deny))]
    [InlineData("-01", "mesh=s:u", nameof(SamplingState.Accept))]
    [InlineData("-01", "mesh=p:00f067aa0ba902b7;s:u", nameof(SamplingState.Accept))]
    [InlineData("-01", "mesh=s:d", nameof(SamplingState.Debug))]
    // B3's rule: debug beats the flag beside it.
    [InlineData("-00", "mesh=s:d", nameof(SamplingState.Debug))]
    [InlineData("-00", "mesh=s:debug", nameof(SamplingState.Deny))]
    public void Extract_MarkOfAStranger_DecidesNothingButDebug(string flags, string list, string expected)
    {
        var remote = Some.Extract(new Carrier { { "traceparent", Some.TraceParent.Replace("-01", flags, StringComparison.Ordinal) }, { "tracestate", list } });

        Assert.Equal(expected, remote.Ids.State.ToString());
        Assert.False(Marker.Find(remote.TraceState).IsUndecided);
    }

    // Without a valid traceparent beside it, tracestate is not looked at: its debug mark must not reach a trace of B3.
    [Fact]
    public void Extract_MarkWithoutTraceParent_IsNotSeen()
    {
        var remote = Some.Extract(new Carrier { { "tracestate", "mesh=s:d" }, { "b3", $"{Some.TraceId}-{Some.SpanId}-0" } });

        Assert.Equal(SamplingState.Deny, remote.Ids.State);
        Assert.Null(remote.TraceState);
    }

    [Fact]
    public void Extract_MarkOfALinkedTrace_IsNotSeen()
    {
        var headers = new Carrier
        {
            { "traceparent", Some.TraceParent },
            { "tracestate", "mesh=s:d" },
            { "b3", $"{Some.OtherTraceId}-{Some.OtherSpanId}-0" },
        };
        var remote = Some.Extract(headers, new PropagationSettings { B3First = true });

        Assert.Equal(SamplingState.Deny, remote.Ids.State);
        Assert.Equal("w3c", remote.Link?.Format);
    }

    // The longest marker fills the buffer exactly.
    [Fact]
    public void Write_EverythingThereIsToSay_FillsTheBuffer()
    {
        Span<char> text = stackalloc char[Marker.MaxLength];
        var length = Marker.Write(text, Some.SpanId, SamplingState.Debug);

        Assert.Equal("mesh=p:b7ad6b7169203331;s:d", new string(text));
        Assert.Equal(Marker.MaxLength, length);
    }
}
