using MeshDemo.Traces;

namespace Tracing.Sdk.IntegrationTests.Demo;

/// <summary>The tree as the demo prints it.</summary>
public sealed class TreePrinterTests
{
    [Fact]
    public void Print_WideTerminal_ShowsEveryColumn() => Assert.Equal(
        """
        front-envoy ingress            SERVER      100 ms    200 ███████████████████████
        └ api-service GET /orders/{id} SERVER     80.0 ms    200   ██████████████████
          ├ data-service GET           CLIENT     20.0 ms  error     █████
          │ └ data-service SELECT      CLIENT     0.10 ms            ▏
          └ data-service GET           CLIENT     40.0 ms    200            █████████

        """, Printed(80));

    [Fact]
    public void Print_NarrowTerminal_FitsIt() => Assert.Equal(
        """
        front-envoy ingress          100 ms    200 ██████████
        └ api-service GET /order…   80.0 ms    200  ████████
          ├ data-service GET        20.0 ms  error   ██
          │ └ data-service SELECT   0.10 ms          ▏
          └ data-service GET        40.0 ms    200      ████

        """, Printed(53));

    [Fact]
    public void Print_NameThatMovesTheCursor_IsDisarmed()
    {
        var printed = Printed(80, Spans.Select(span => span with { Name = "\e[2Jgone" }));

        Assert.DoesNotContain('\e', printed);
    }

    [Fact]
    public void Print_WithColour_PaintsErrorsRed()
    {
        var output = new StringWriter { NewLine = "\n" };
        new TreePrinter(output, 80, useColour: true).Print(TraceTree.Of(Spans));

        Assert.Contains("\e[31m error\e[0m", output.ToString(), StringComparison.Ordinal);
    }

    private static Span[] Spans =>
    [
        Span("a", null, "front-envoy", "ingress", 0, 100_000, "SERVER", "200"),
        Span("b", "a", "api-service", "GET /orders/{id}", 10_000, 80_000, "SERVER", "200"),
        Span("c", "b", "data-service", "GET", 20_000, 20_000, "CLIENT", null) with { IsError = true },
        Span("d", "c", "data-service", "SELECT", 21_000, 100, "CLIENT", null),
        Span("e", "b", "data-service", "GET", 50_000, 40_000, "CLIENT", "200"),
    ];

    private static string Printed(int width, IEnumerable<Span>? spans = null)
    {
        var output = new StringWriter { NewLine = "\n" };
        new TreePrinter(output, width, useColour: false).Print(TraceTree.Of(spans ?? Spans));
        return output.ToString();
    }

    private static Span Span(string id, string? parent, string service, string name, long start, long duration, string kind, string? status) => new()
    {
        TraceId = "1",
        SpanId = id,
        ParentId = parent,
        Service = service,
        Name = name,
        Kind = kind,
        Start = start,
        Duration = duration,
        Tags = status is null ? [] : new Dictionary<string, string> { ["http.response.status_code"] = status },
    };
}
