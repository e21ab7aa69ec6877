using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>A request through the sample mesh, as the real Jaeger tells it: each tracer of Envoy with each format of ours, straight and through the real Collector.</summary>
[Collection(BackendSuite.Name)]
public sealed class MeshInJaegerTests(BackendFixture backend)
{
    public static TheoryData<string, string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, string>();
            foreach (var tracer in new[] { Tracer.OpenTelemetry, Tracer.Zipkin })
            {
                foreach (var format in Enum.GetNames<WireFormat>())
                {
                    foreach (var route in Enum.GetNames<Route>())
                        cases.Add(tracer.ToString(), format, route);
                }
            }

            return cases;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public async Task RequestThroughTheMesh_IsOneTreeInJaeger(string tracer, string format, string route)
    {
        MeshTools.RequireEnvoy();
        BackendFixture.Require();
        var (proxy, endpoints) = (Enum.Parse<Tracer>(tracer), backend.EndpointsOf(Enum.Parse<Route>(route)));
        await using var sample = await SampleMesh.StartAsync(
            proxy, proxy == Tracer.OpenTelemetry ? endpoints.OtlpHttp : endpoints.Zipkin!, endpoints.Variables(Enum.Parse<WireFormat>(format)));

        var response = await sample.GetOrderAsync();
        var spans = await backend.WaitForTraceAsync(response.One("x-trace-id")!, spans => spans.Count >= SampleTests.SpansOfOrderTree);
        SpanOutline.AssertEqual(SampleTests.OrderTree, spans, () => sample.Logs);
    }
}
