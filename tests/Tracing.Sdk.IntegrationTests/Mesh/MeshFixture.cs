using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Mesh;

[CollectionDefinition(Name)]
public sealed class MeshSuite : ICollectionFixture<MeshFixture>
{
    public const string Name = "mesh";
}

/// <summary>The real Zipkin, shared by all mesh tests; absent when one of the programs is.</summary>
public sealed class MeshFixture : IAsyncLifetime
{
    internal ZipkinServer Zipkin { get; private set; } = null!;

    /// <summary>Takes the OTLP of Envoy's OpenTelemetry tracer and hands it on to Zipkin.</summary>
    public TestCollector Bridge { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (!MeshTools.HasEnvoyAndZipkin) return;
        Zipkin = await ZipkinServer.StartAsync();
        Bridge = await TestCollector.StartAsync();
        Bridge.ForwardOtlp = Zipkin.PostAsync;
    }

    public async Task DisposeAsync()
    {
        if (!MeshTools.HasEnvoyAndZipkin) return;
        await Zipkin.DisposeAsync();
        await Bridge.DisposeAsync();
    }
}
