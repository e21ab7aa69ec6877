using System.Text;
using System.Text.Json;
using Json.Schema;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>The schema is made from the options, takes what the library takes and refuses what it refuses.</summary>
public sealed class ConfigurationSchemaTests
{
    private static readonly JsonSchema Schema = JsonSchema.FromText(File.ReadAllText(Path.Combine(OptionDocumentation.RepositoryRoot, "src/Tracing.Sdk/ConfigurationSchema.json")));

    [Fact]
    public void Schema_OfTheOptions_IsFresh() => OptionDocumentation.MatchFile("src/Tracing.Sdk/ConfigurationSchema.json", ConfigurationSchema.Write());

    [Theory]
    [InlineData("""{ "ServiceName": "shop", "Sampling": { "Ratio": 0.1, "FollowParentDecision": false }, "Limits": { "MaxAttributes": 64 } }""")]
    [InlineData("""{ "Export": { "Exporters": [ "otlp", "console" ], "Otlp": { "Compression": "Gzip", "Endpoint": "http://collector:4318/v1/traces" }, "Batch": { "Interval": "00:00:05" } } }""")]
    [InlineData("""{ "Propagation": { "Targets": "*.example.com, api.example.org", "Formats": [] }, "ResourceAttributes": { "team": "west" } }""")]
    [InlineData("""{ "Trust": { "Default": "TrustIdsOnly", "Rules": [ "Restart external", "Trust 10.0.0.0/8", "Trust spiffe://cluster.local/ns/shop/*" ] } }""")]
    [InlineData("""{ "Http": { "ResponseHeader": "ServerTiming,TraceId" }, "Mode": "Forward" }""")]
    public void Schema_RightSection_IsTakenByBoth(string section)
    {
        Assert.True(IsValid(section));
        Assert.NotNull(Layered.Resolve(Configuration(section), []));
    }

    [Theory]
    [InlineData("""{ "SamplingRatio": 0.1 }""")]
    [InlineData("""{ "Sampling": { "Rate": 0.1 } }""")]
    [InlineData("""{ "Sampling": { "Ratio": 2 } }""")]
    [InlineData("""{ "Sampling": { "FollowParentDecision": 1 } }""")]
    [InlineData("""{ "Mode": "Off" }""")]
    [InlineData("""{ "Export": { "Exporters": [ "jaeger" ] } }""")]
    [InlineData("""{ "Export": { "Otlp": { "Endpoint": "collector:4318" } } }""")]
    [InlineData("""{ "Export": { "Batch": { "Interval": 5 } } }""")]
    [InlineData("""{ "Export": { "Batch": { "Interval": "5" } } }""")]
    [InlineData("""{ "Export": { "Batch": { "MaxQueueBytes": 1000 } } }""")]
    [InlineData("""{ "Trust": { "Rules": [ "Believe external" ] } }""")]
    [InlineData("""{ "Http": { "ResponseHeader": "traceparent" } }""")]
    [InlineData("""{ "Limits": { "MaxLinks": -1 } }""")]
    public void Schema_WrongSection_IsRefusedByBoth(string section)
    {
        Assert.False(IsValid(section));
        Assert.Throws<OptionsValidationException>(() => Layered.Resolve(Configuration(section), []));
    }

    private static bool IsValid(string section)
    {
        using var document = JsonDocument.Parse(Json(section));
        return Schema.Evaluate(document.RootElement).IsValid;
    }

    private static IConfiguration Configuration(string section)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(Json(section)));
        return new ConfigurationBuilder().AddJsonStream(stream).Build();
    }

    private static string Json(string section) => $$"""{ "MeshTracing": {{section}} }""";
}
