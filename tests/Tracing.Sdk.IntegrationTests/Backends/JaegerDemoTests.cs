using MeshDemo;
using MeshDemo.Backends;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>The demo's option --jaeger, with the real Jaeger.</summary>
[Collection(BackendSuite.Name)]
public sealed class JaegerDemoTests(BackendFixture backend)
{
    [SkippableFact]
    public async Task OnceWithJaegerOfItsOwn_PrintsTheTreeThatJaegerAnswers()
    {
        MeshTools.RequireEnvoy();
        MeshTools.RequireJaeger();
        var output = await DemoRun.OnceAsync("--jaeger");
        Assert.Contains($"{SampleTests.SpansOfOrderTree} spans, one tree", output, StringComparison.Ordinal);
        Assert.Contains("Read back from a Jaeger that ends with the demo: http://127.0.0.1:", output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Start_JaegerThatRuns_FindsNoTraceThatIsNotThere()
    {
        BackendFixture.Require();
        await using var jaeger = new JaegerBackend(backend.Jaeger.Query, backend.Jaeger.Zipkin, backend.Jaeger.OtlpHttp);
        using var http = LocalHttp.CreateClient();

        await jaeger.StartAsync(jaeger.Formats, http, CancellationToken.None);

        Assert.Empty(await jaeger.FindTraceAsync(Guid.NewGuid().ToString("N"), http, CancellationToken.None));
    }

    [SkippableFact]
    public async Task Start_AnotherPortOfJaeger_SaysWhichItHasToBe()
    {
        BackendFixture.Require();
        await using var jaeger = new JaegerBackend(backend.Jaeger.OtlpHttp);
        using var http = LocalHttp.CreateClient();

        var error = await Assert.ThrowsAsync<DemoException>(() => jaeger.StartAsync(jaeger.Formats, http, CancellationToken.None));

        Assert.Contains("port 16686", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Start_NoReceiverAtItsPort_SaysHowToNameAnother()
    {
        BackendFixture.Require();
        await using var jaeger = new JaegerBackend(backend.Jaeger.Query, zipkin: new Uri($"http://{LocalPort.Address(LocalPort.Free())}"), backend.Jaeger.OtlpHttp);
        using var http = LocalHttp.CreateClient();

        var error = await Assert.ThrowsAsync<DemoException>(() => jaeger.StartAsync(jaeger.Formats, http, CancellationToken.None));

        Assert.Contains("--zipkin URL", error.Message, StringComparison.Ordinal);
    }
}
