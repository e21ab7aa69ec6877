using Microsoft.AspNetCore.Builder;
using MeshDemo.Processes;
using MongoDB.Bson;
using MongoDB.Driver;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("MongoDB.Driver", "a CLIENT span of each operation, by the library (run without a server: a failed one)", Name = "MongoDB")]
public sealed class MongoDbTests
{
    [Fact]
    public async Task Find_WithoutAServer_IsAFailedChildOfTheRequest()
    {
        var settings = MongoClientSettings.FromConnectionString($"mongodb://127.0.0.1:{LocalPort.Free()}");
        settings.ServerSelectionTimeout = TimeSpan.FromMilliseconds(200);
        using var client = new MongoClient(settings);
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async () =>
        {
            await Assert.ThrowsAsync<TimeoutException>(() => client.GetDatabase("shop").GetCollection<BsonDocument>("orders").Find(new BsonDocument()).FirstOrDefaultAsync());
        }));
        await app.GetAsync("/orders");

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT find shop.orders !
            """,
            TraceOutline.Of(await app.StopAsync()));
    }
}
