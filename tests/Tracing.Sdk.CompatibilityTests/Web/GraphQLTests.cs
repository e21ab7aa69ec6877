using GraphQL;
using GraphQL.Execution;
using GraphQL.Telemetry;
using GraphQL.Types;
using GraphQL.Validation;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Web;

[WorksWith("GraphQL", "an INTERNAL span of each operation, below that of the request", SetUp = "`.UseTelemetry()` in `AddGraphQL`")]
public sealed class GraphQLTests
{
    [Fact]
    public async Task Operation_HasASpanBelowTheRequest()
    {
        using var schema = Schema.For("type Query { hello: String }");
        // As UseTelemetry puts it together.
        var executer = new DocumentExecuter(
            new GraphQLDocumentBuilder(), new DocumentValidator(), new DefaultExecutionStrategySelector(), [new GraphQLTelemetryProvider(new GraphQLTelemetryOptions())]);
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/graphql", async () =>
        {
            var result = await executer.ExecuteAsync(o => (o.Schema, o.Query) = (schema, "query Greeting { hello }"));
            return result.Executed;
        }));
        await app.GetAsync("/graphql");

        Assert.Equal("SERVER GET /graphql\n  INTERNAL query Greeting", TraceOutline.Of(await app.StopAsync()));
    }
}
