using MeshDemo;
using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Demo;

/// <summary>The demo's command line.</summary>
public sealed class DemoOptionsTests
{
    [Fact]
    public void Parse_Nothing_RunsTheB3Tracer() => Assert.Equal(Tracer.Zipkin, DemoOptions.Parse([]).Tracer);

    [Fact]
    public void Parse_Otlp_RunsTheTracerThatWritesIt() => Assert.Equal(Tracer.OpenTelemetry, DemoOptions.Parse(["--otlp", "http://localhost:4318"]).Tracer);

    [Theory]
    [InlineData("http://localhost:9411")]
    [InlineData("http://localhost:9411/")]
    [InlineData("http://localhost:9411/zipkin/")]
    [InlineData("http://localhost:9411/api/v2/spans")]
    public void Parse_ZipkinAddressWithAPath_TakesItsBase(string address) =>
        Assert.Equal(new Uri("http://localhost:9411"), DemoOptions.Parse(["--zipkin", address]).Backend?.Zipkin);

    [Theory]
    [InlineData("--frob", "--frob")]
    [InlineData("--tracer", "--tracer needs a value")]
    [InlineData("--tracer jaeger", "jaeger")]
    [InlineData("--zipkin localhost:9411", "localhost:9411")]
    [InlineData("--zipkin http://a --otlp http://b", "one of --zipkin and --otlp")]
    [InlineData("--zipkin http://a --tracer otel", "--zipkin goes with")]
    [InlineData("--tracer zipkin --otlp http://a", "--otlp goes with")]
    public void Parse_WrongArgument_SaysWhich(string arguments, string part)
    {
        var error = Assert.Throws<DemoException>(() => DemoOptions.Parse(arguments.Split(' ')));

        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }
}
