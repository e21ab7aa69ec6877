using System.Text.Json.Nodes;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.SQS;
using Amazon.SQS.Model;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("AWSSDK.S3", "a CLIENT span of each HTTP request", Name = "AWS SDK")]
[WorksWith("AWSSDK.SQS", "a CLIENT span of each HTTP request", Name = "AWS SDK")]
public sealed class AwsTests
{
    private static readonly BasicAWSCredentials Credentials = new("key", "secret");

    [Fact]
    public async Task S3_Get_IsOneSpan()
    {
        using var aws = ScriptedEndpoint.Start("an object");
        await using var app = await TracedApp.StartAsync(app =>
        {
            var client = new AmazonS3Client(Credentials, new AmazonS3Config { ServiceURL = aws.Address.ToString(), ForcePathStyle = true });
            app.Lifetime.ApplicationStopped.Register(client.Dispose);
            app.MapGet("/orders", async () =>
            {
                using var response = await client.GetObjectAsync("bucket", "key");
                using var reader = new StreamReader(response.ResponseStream);
                return await reader.ReadToEndAsync();
            });
        });
        Assert.Equal("an object", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT GET
            """,
            TraceOutline.Of(spans));
        aws.AssertNamesClientSpans(spans);
    }

    [Fact]
    public async Task S3_RequestThatIsTriedAgain_IsTwoSpans()
    {
        var answers = new Queue<int>([500, 200]);
        using var aws = ScriptedEndpoint.Start(_ => new(answers.Dequeue()));
        await using var app = await TracedApp.StartAsync(app =>
        {
            var client = new AmazonS3Client(Credentials, new AmazonS3Config { ServiceURL = aws.Address.ToString(), ForcePathStyle = true, MaxErrorRetry = 1 });
            app.Lifetime.ApplicationStopped.Register(client.Dispose);
            app.MapGet("/orders", async () => (await client.DeleteObjectAsync("bucket", "key")).HttpStatusCode);
        });
        Assert.Equal("200", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT DELETE !
              CLIENT DELETE
            """,
            TraceOutline.Of(spans));
        aws.AssertNamesClientSpans(spans);
    }

    [Fact]
    public async Task Sqs_Send_IsOneSpanAndTheMessageCarriesNothing()
    {
        using var aws = ScriptedEndpoint.Start("""{"MessageId":"1"}""", "application/x-amz-json-1.0");
        await using var app = await TracedApp.StartAsync(app =>
        {
            var client = new AmazonSQSClient(Credentials, new AmazonSQSConfig { ServiceURL = aws.Address.ToString() });
            app.Lifetime.ApplicationStopped.Register(client.Dispose);
            app.MapGet("/orders", async () => (await client.SendMessageAsync(new SendMessageRequest($"{aws.Address}1/orders", "order 1"))).MessageId);
        });
        Assert.Equal("1", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT POST
            """,
            TraceOutline.Of(spans));
        aws.AssertNamesClientSpans(spans);
        Assert.Null(JsonNode.Parse(Assert.Single(aws.Requests).Body)!["MessageAttributes"]);
    }
}
