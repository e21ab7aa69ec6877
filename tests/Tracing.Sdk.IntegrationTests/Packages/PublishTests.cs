using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Packages;

/// <summary>A sample as a file that needs no .NET on the machine: trimmed, and compiled ahead of time. The web half must still be found.</summary>
public sealed partial class PublishTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tracing-sdk-publish-").FullName;

    [SkippableTheory]
    [InlineData("PublishTrimmed")]
    [InlineData("PublishAot")]
    public async Task Sample_PublishedSelfContained_StillTraces(string how)
    {
        Skip.If(
            how == "PublishAot" && Environment.GetEnvironmentVariable("PUBLISH_AOT_TEST") != "1",
            "Compiling ahead of time takes two minutes of both processors: set PUBLISH_AOT_TEST=1 to have it done.");
        var program = await PublishAsync(how);
        await using var collector = await TestCollector.StartAsync();

        // The collector answers 404 to what it does not know: an order that is not there.
        await using var service = ChildProcess.Start("api-service", program, ["--urls", "http://127.0.0.1:0"], new Dictionary<string, string>
        {
            ["OTEL_SERVICE_NAME"] = "api-service",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address,
            ["DataService__BaseAddress"] = collector.Address,
        });
        var address = await service.WaitForLineAsync(
            line => ListeningOn().Match(line) is { Success: true } match ? match.Groups[1].Value : null,
            "start to listen", TimeSpan.FromSeconds(30), CancellationToken.None);
        using var http = LocalHttp.CreateClient();
        using var response = await http.GetAsync(new Uri(new Uri(address), "/orders/9"));
        Assert.Equal(404, (int)response.StatusCode);

        var server = await collector.WaitForAsync("The server span", spans => spans.FirstOrDefault(span => span.Kind == "SERVER"));
        Assert.Equal("GET /orders/{id}", server.Name);
        var client = Assert.Single(collector.Spans, span => span.Kind == "CLIENT");
        Assert.Equal(server.Id, client.ParentId);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task<string> PublishAsync(string how)
    {
        // The sample reads JSON by reflection, which is its own affair: only what the trimmer says of our code counts.
        var (exitCode, output) = await DotNet.RunAsync(
            PackageFixture.RepositoryRoot, [], "publish", Path.Combine("samples", "ApiService"), "--configuration", "Release",
            "--runtime", RuntimeInformation.RuntimeIdentifier, "--self-contained", $"-p:{how}=true",
            "-p:TreatWarningsAsErrors=false", "-p:JsonSerializerIsReflectionEnabledByDefault=true",
            "--artifacts-path", Path.Combine(_folder, "artifacts"), "--output", Path.Combine(_folder, "out"));
        Skip.If(
            exitCode != 0 && CannotRestore().IsMatch(output),
            "The runtime pack of this platform cannot be restored: connect to a NuGet feed that has Microsoft.NETCore.App.Runtime and Microsoft.DotNet.ILCompiler.");
        Skip.If(
            exitCode != 0 && output.Contains("Platform linker", StringComparison.Ordinal),
            "There is no linker for native code: install clang, or gcc, and the headers of zlib.");
        Assert.True(exitCode == 0, output);
        Assert.DoesNotMatch(OurTrimWarning(), output);
        return Path.Combine(_folder, "out", OperatingSystem.IsWindows() ? "ApiService.exe" : "ApiService");
    }

    [GeneratedRegex(@"error NU1\d\d\d|NETSDK1112")]
    private static partial Regex CannotRestore();

    [GeneratedRegex(@"Now listening on: (\S+)")]
    private static partial Regex ListeningOn();

    [GeneratedRegex(@"Tracing\.Sdk\S* ?: .*warning IL\d+|src[/\\]Tracing\.Sdk.*warning IL\d+")]
    private static partial Regex OurTrimWarning();
}
