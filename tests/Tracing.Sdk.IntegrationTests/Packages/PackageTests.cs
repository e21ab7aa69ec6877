using System.IO.Compression;
using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Packages;

/// <summary>What somebody gets who adds the package to a service of their own.</summary>
public sealed class PackageTests(PackageFixture packages) : IClassFixture<PackageFixture>
{
    [Fact]
    public async Task WebService_ThatReferencesOnlyThePackage_SendsItsSpans()
    {
        var consumer = await packages.BuildConsumerAsync("WebConsumer");
        await using var service = await ServiceProcess.StartAsync("web-consumer", consumer, new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = packages.Collector.Address,
        });
        using var http = LocalHttp.CreateClient();
        Assert.Equal("Hello mesh", await http.GetStringAsync(new Uri(service.Address, "/hello/mesh")));

        var server = await packages.Collector.WaitForAsync("The server span", spans => spans.FirstOrDefault(span => span.Kind == "SERVER"));
        Assert.Equal("WebConsumer", server.Service);
        Assert.Equal("GET /hello/{name}", server.Name);
    }

    [Fact]
    public async Task Job_ThatReferencesOnlyThePackage_SendsItsSpansBeforeItEnds()
    {
        var consumer = await packages.BuildConsumerAsync("WorkerConsumer");
        await using var job = ChildProcess.Start("worker-consumer", "dotnet", [consumer, packages.Collector.Address + "/nothing-here"], new Dictionary<string, string>
        {
            ["OTEL_SERVICE_NAME"] = "worker-consumer",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = packages.Collector.Address,
        });
        await job.Exited;

        var spans = packages.Collector.Spans.Where(span => span.Service == "worker-consumer").ToList();
        var root = Assert.Single(spans, span => span.Name == "nightly job");
        var call = Assert.Single(spans, span => span.Kind == "CLIENT");
        Assert.Null(root.ParentId);
        Assert.Equal((root.TraceId, root.Id), (call.TraceId, call.ParentId));
        Assert.Equal(2, spans.Count);
    }

    [Fact]
    public async Task Package_HasTheSchemaWhereEditorsLook()
    {
        await using var package = await ZipFile.OpenReadAsync(Path.Combine(packages.Feed, $"Tracing.Sdk.{packages.Version}.nupkg"));

        Assert.NotNull(package.GetEntry("ConfigurationSchema.json"));
        using var targets = new StreamReader(await package.GetEntry("buildTransitive/Tracing.Sdk.targets")!.OpenAsync());
        Assert.Contains("""<JsonSchemaSegment Include="$(MSBuildThisFileDirectory)../ConfigurationSchema.json" """, await targets.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Tracing.Sdk")]
    [InlineData("Tracing.Sdk.AspNetCore")]
    public async Task Package_HasDocumentationReadmeLicenceAndSymbols(string name)
    {
        await using var package = await ZipFile.OpenReadAsync(Path.Combine(packages.Feed, $"{name}.{packages.Version}.nupkg"));
        var files = package.Entries.Select(entry => entry.FullName).ToList();
        Assert.Contains($"lib/net10.0/{name}.dll", files);
        Assert.Contains($"lib/net10.0/{name}.xml", files);
        Assert.Contains("README.md", files);

        using var specification = new StreamReader(await package.GetEntry($"{name}.nuspec")!.OpenAsync());
        Assert.Contains("""<license type="expression">Apache-2.0</license>""", await specification.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(packages.Feed, $"{name}.{packages.Version}.snupkg")), "There is no symbol package.");
    }
}
