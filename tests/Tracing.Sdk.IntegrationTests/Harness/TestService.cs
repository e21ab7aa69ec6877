using System.Reflection;

namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>Tracing.Sdk.TestService, built together with this project and started as a program of its own.</summary>
internal static class TestService
{
    public static string Dll { get; } =
        typeof(TestService).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == "TestService").Value!;
}
