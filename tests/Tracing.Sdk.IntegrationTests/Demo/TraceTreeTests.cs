using MeshDemo.Traces;

namespace Tracing.Sdk.IntegrationTests.Demo;

/// <summary>What the demo calls a whole tree, and what it finds missing.</summary>
public sealed class TraceTreeTests
{
    [Fact]
    public void Nodes_SpansInAnyOrder_ComeAsTheTreeIs()
    {
        var tree = TraceTree.Of([Span("c", "b", start: 3), Span("d", "a", start: 2), Span("a", null, start: 1), Span("b", "a", start: 4)]);

        Assert.Equal(["0 a", "1 d", "1 b", "2 c"], tree.Nodes.Select(node => $"{node.Depth} {node.Span.SpanId}"));
    }

    [Fact]
    public void Faults_OneTree_AreNone() => Assert.Empty(TraceTree.Of([Span("a", null), Span("b", "a")]).Faults());

    [Fact]
    public void Faults_TwoRoots_AreNamed() =>
        Assert.StartsWith("there are 2 roots", Assert.Single(TraceTree.Of([Span("a", null), Span("b", null)]).Faults()), StringComparison.Ordinal);

    [Fact]
    public void Faults_ParentThatDidNotArrive_IsNamed() =>
        Assert.StartsWith("the parent x of", Assert.Single(TraceTree.Of([Span("a", null), Span("b", "x"), Span("c", "b")]).Faults()), StringComparison.Ordinal);

    [Fact]
    public void Faults_SpanThatCameTwice_IsNamed() =>
        Assert.EndsWith("arrived twice", Assert.Single(TraceTree.Of([Span("a", null), Span("b", "a"), Span("b", "a")]).Faults()), StringComparison.Ordinal);

    [Fact]
    public void Nodes_SpansThatAreEachOthersParents_AreAllThere()
    {
        var tree = TraceTree.Of([Span("a", "b"), Span("b", "a")]);

        Assert.Equal(["a", "b"], tree.Nodes.Select(node => node.Span.SpanId).Order());
    }

    [Fact]
    public void Missing_WholeRequest_IsNothing() => Assert.Empty(Missing(WholeRequest));

    [Theory]
    [InlineData("2", "no span of api-service is below front-envoy")]
    [InlineData("4", "no span of egress-envoy is below api-service")]
    [InlineData("5", "no span of data-service is below egress-envoy")]
    [InlineData("6", "there is no query of data-service")]
    public void Missing_RequestWithoutASpan_IsNamed(string absent, string sentence)
    {
        // The spans below the absent one are left out too: a proxy that was never called leaves no orphan.
        var spans = WholeRequest.Where(span => string.CompareOrdinal(span.SpanId, absent) < 0);

        Assert.Contains(Missing(spans), missing => missing.StartsWith(sentence, StringComparison.Ordinal));
    }

    [Fact]
    public void Missing_RootOfAService_IsNamed() =>
        Assert.Contains(Missing(WholeRequest.Skip(2).Select(span => span.SpanId == "2" ? span with { ParentId = null } : span)),
            missing => missing.StartsWith("the root is api-service", StringComparison.Ordinal));

    private static IReadOnlyList<Span> WholeRequest =>
    [
        Span("0", null, "front-envoy", "SERVER"),
        Span("1", "0", "front-envoy", "CLIENT"),
        Span("2", "1", "api-service", "SERVER"),
        Span("3", "2", "api-service", "CLIENT"),
        Span("4", "3", "egress-envoy", "CLIENT"),
        Span("5", "4", "data-service", "SERVER"),
        Span("6", "5", "data-service", "CLIENT") with { Tags = new Dictionary<string, string> { ["db.system.name"] = "sqlite" } },
    ];

    private static IEnumerable<string> Missing(IEnumerable<Span> spans) => MeshShape.WithEnvoy.Missing(TraceTree.Of(spans));

    private static Span Span(string id, string? parent, string service = "service", string kind = "INTERNAL", long start = 0) => new()
    {
        TraceId = "1",
        SpanId = id,
        ParentId = parent,
        Service = service,
        Name = "name",
        Kind = kind,
        Start = start,
        Duration = 1,
    };
}
