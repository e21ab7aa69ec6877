using MeshDemo;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Aspire;

/// <summary>MeshDemo with its option for Aspire, as a user starts it.</summary>
[Collection(AspireSuite.Name)]
public sealed class AspireDemoTests
{
    [Fact]
    public void Parse_Aspire_RunsTheTracerThatWritesOtlp() => Assert.Equal(Tracer.OpenTelemetry, DemoOptions.Parse(["--aspire"]).Tracer);

    [Theory]
    [InlineData("--aspire --tracer zipkin", "--aspire goes with --tracer otel")]
    [InlineData("--aspire --otlp http://a", "one of --aspire and --otlp")]
    public void Parse_AspireWithWhatItCannotTake_SaysSo(string arguments, string part) =>
        Assert.Contains(part, Assert.Throws<DemoException>(() => DemoOptions.Parse(arguments.Split(' '))).Message, StringComparison.Ordinal);

    [SkippableFact]
    public async Task Once_FindsTheWholeTreeInTheDashboardAndPrintsItsLink()
    {
        MeshTools.RequireEnvoy();
        MeshTools.RequireAspireDashboard(await DashboardFixture.FindDashboardAsync());
        var output = await DemoRun.OnceAsync("--aspire", "--envoy", MeshTools.EnvoyPath!);
        Assert.Contains($"{SampleTests.SpansOfOrderTree} spans, one tree", output, StringComparison.Ordinal);
        Assert.Matches("(?m)^Read back from Aspire's dashboard.*: http://127.0.0.1:[0-9]+/traces/detail/[0-9a-f]{32}$", output);
    }
}
