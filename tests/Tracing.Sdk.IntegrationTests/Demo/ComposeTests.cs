using Tracing.Sdk.IntegrationTests.Packages;
using YamlDotNet.RepresentationModel;

namespace Tracing.Sdk.IntegrationTests.Demo;

/// <summary>samples/compose.yaml.</summary>
public sealed class ComposeTests
{
    private static readonly YamlMappingNode Services = ReadServices();

    [Fact]
    public void Jaeger_IsAProfile() => Assert.Equal("jaeger", Services["jaeger"]["profiles"][0].ToString());

    [Fact]
    public void OtherServices_DoNotNeedJaeger()
    {
        var needs = Services.Children.Values.OfType<YamlMappingNode>()
            .Where(service => service.Children.ContainsKey("depends_on"))
            .Select(service => (YamlMappingNode)service["depends_on"])
            .Where(needed => needed.Children.ContainsKey("jaeger"))
            .Select(needed => needed["jaeger"]["required"].ToString())
            .ToArray();

        Assert.Equal(["false", "false"], needs);
    }

    private static YamlMappingNode ReadServices()
    {
        var stream = new YamlStream();
        using var text = File.OpenText(Path.Combine(PackageFixture.RepositoryRoot, "samples", "compose.yaml"));
        stream.Load(text);
        return (YamlMappingNode)stream.Documents[0].RootNode["services"];
    }
}
