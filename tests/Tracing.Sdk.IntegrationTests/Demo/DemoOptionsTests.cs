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
    [InlineData("http://jaeger:16686")]
    [InlineData("http://jaeger:16686/search?service=a")]
    public void Parse_Jaeger_SendsToTheUsualPortsOfItsHost(string address)
    {
        var backend = DemoOptions.Parse(["--jaeger", address]).Backend;

        Assert.Equal((new Uri("http://jaeger:9411"), new Uri("http://jaeger:4318")), (backend?.Zipkin, backend?.Otlp));
    }

    [Fact]
    public void Parse_JaegerAndOtherReceivers_SendsThere()
    {
        var backend = DemoOptions.Parse(["--otlp", "http://collector:4318/v1/traces", "--jaeger", "http://jaeger:16686", "--zipkin", "http://collector:9411"]).Backend;

        Assert.Equal(("--jaeger", new Uri("http://collector:9411"), new Uri("http://collector:4318")), (backend?.Option, backend?.Zipkin, backend?.Otlp));
    }

    [Fact]
    public void Parse_JaegerWithoutAddress_LeavesTheNextOptionAlone()
    {
        var options = DemoOptions.Parse(["--jaeger", "--once"]);

        Assert.Equal(("--jaeger", true), (options.Backend?.Option, options.Once));
    }

    [Theory]
    [InlineData("zipkin", "Zipkin, Otlp")]
    [InlineData("zipkin-w3c", "Zipkin, Otlp")]
    [InlineData("otel", "Otlp")]
    public void Parse_JaegerWithATracer_NeedsTheFormatsOfEnvoyAndOfTheServices(string tracer, string formats) =>
        Assert.Equal(formats, DemoOptions.Parse(["--jaeger", "--tracer", tracer]).Formats.ToString());

    [Theory]
    [InlineData("--frob", "--frob")]
    [InlineData("--jaeger localhost:16686", "http://localhost:16686")]
    [InlineData("--jaeger --otlp http://a", "--jaeger needs its URL")]
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
