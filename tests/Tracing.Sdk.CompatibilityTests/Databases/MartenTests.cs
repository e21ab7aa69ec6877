using JasperFx;
using Marten;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("Marten", "those of Npgsql; its own where `OpenTelemetry.TrackConnections` asks for them")]
[Collection(Servers.Name)]
public sealed class MartenTests(Servers servers)
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StoreAndLoad_InARequest_AreItsChildren(bool isTracked)
    {
        var connectionString = await servers.PostgresAsync();
        void Configure(StoreOptions options)
        {
            options.Connection(connectionString);
            options.DatabaseSchemaName = "marten";
            options.AutoCreateSchemaObjects = AutoCreate.All;
            if (isTracked) options.OpenTelemetry.TrackConnections = JasperFx.OpenTelemetry.TrackLevel.Normal;
        }

        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", async (IDocumentSession session) =>
            {
                session.Store(new Article { Id = 1 });
                await session.SaveChangesAsync();
                await session.LoadAsync<Article>(2);
            }),
            builder => builder.Services.AddMarten(Configure));
        // The store makes its tables when they are used for the first time.
        await app.GetAsync("/orders", TracedApp.NotSampled);
        Assert.Equal("", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            isTracked
                ? """
                SERVER GET /orders
                  INTERNAL marten.connection
                    CLIENT postgresql
                    CLIENT postgresql
                """
                : """
                SERVER GET /orders
                  CLIENT postgresql
                  CLIENT postgresql
                """,
            TraceOutline.Of(spans));
    }

    public sealed class Article
    {
        public int Id { get; set; }
    }
}
