using Amazon.Runtime;
using Amazon.S3;
using Elastic.Clients.Elasticsearch;
using Flurl.Http;
using Microsoft.AspNetCore.Builder;
using RestSharp;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

/// <summary>What the called service gets from each library in a request that is not sampled.</summary>
public sealed class NotSampledTests
{
    private static readonly Dictionary<string, Func<Uri, Task>> Calls = new()
    {
        ["HttpClient"] = async address =>
        {
            using var client = new HttpClient();
            await client.GetStringAsync(address);
        },
        ["RestSharp"] = async address =>
        {
            using var client = new RestClient(address);
            await client.ExecuteGetAsync(new RestRequest("articles/7"));
        },
        ["Flurl.Http"] = address => address.ToString().GetStringAsync(),
        ["AWSSDK.S3"] = async address =>
        {
            using var client = new AmazonS3Client(new BasicAWSCredentials("key", "secret"), new AmazonS3Config { ServiceURL = address.ToString(), ForcePathStyle = true });
            await client.DeleteObjectAsync("bucket", "key");
        },
        ["Elastic.Clients.Elasticsearch"] = address => new ElasticsearchClient(address).PingAsync(),
    };

    [Theory]
    [InlineData("HttpClient")]
    [InlineData("RestSharp")]
    [InlineData("Flurl.Http")]
    [InlineData("AWSSDK.S3")]
    [InlineData("Elastic.Clients.Elasticsearch")]
    public async Task Call_InAnUnsampledRequest_SaysSo(string library)
    {
        // Elasticsearch's client asks for the header.
        using var catalog = ScriptedEndpoint.Start(_ => new(Headers: new() { ["X-Elastic-Product"] = "Elasticsearch" }));
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", () => Calls[library](catalog.Address)));
        await app.GetAsync("/orders", TracedApp.NotSampled);

        Assert.Empty(await app.StopAsync());
        var headers = Assert.Single(catalog.Requests).Headers;
        Assert.Matches($"^00-{TracedApp.TraceId}-(?!{TracedApp.CallerId})[0-9a-f]{{16}}-00$", headers["traceparent"]);
        Assert.Equal((TracedApp.TraceId, headers["traceparent"]![36..52], "0"), (headers["X-B3-TraceId"], headers["X-B3-SpanId"], headers["X-B3-Sampled"]));
    }
}
