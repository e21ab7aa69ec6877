using Microsoft.AspNetCore.Builder;
using PublicApiGenerator;

namespace Tracing.Sdk.Tests.PublicApi;

/// <summary>Every public name of both packages, reviewed as text.</summary>
public sealed class PublicApiTests
{
    private static readonly ApiGeneratorOptions Options = new() { IncludeAssemblyAttributes = false, DenyNamespacePrefixes = [] };

    [Fact]
    public void TracingSdk() => Snapshot.Match(typeof(MeshTracing).Assembly.GeneratePublicApi(Options));

    [Fact]
    public void TracingSdkAspNetCore() => Snapshot.Match(typeof(TraceTrustEndpointConventionBuilderExtensions).Assembly.GeneratePublicApi(Options));
}
