using ApiService;
using Tracing.Sdk;

var builder = WebApplication.CreateBuilder(args);

builder.Services.AddMeshTracing();
builder.Services.AddHttpClient<DataClient>(client =>
    // The egress Envoy, not the data service itself.
    client.BaseAddress = new Uri(builder.Configuration["DataService:BaseAddress"] ?? "http://127.0.0.1:10001"));

var app = builder.Build();

// One order is three calls to the data service, two of them at the same time.
app.MapGet("/orders/{id}", async (int id, DataClient data, ILogger<DataClient> log, CancellationToken cancellation) =>
{
    if (await data.FindOrderAsync(id, cancellation) is not { } order)
        return Results.NotFound();

    var customer = data.GetCustomerAsync(order.CustomerId, cancellation);
    var lines = data.GetLinesAsync(id, cancellation);
    await Task.WhenAll(customer, lines);

    log.LogInformation("Order {Order} has {Lines} lines", id, (await lines).Count);
    return Results.Ok(new
    {
        order.Id,
        order.PlacedOn,
        Customer = await customer,
        Lines = await lines,
        Total = (await lines).Sum(line => line.Quantity * line.Price),
    });
});

// Succeeds at the second attempt.
app.MapGet("/retry", async (DataClient data, CancellationToken cancellation) =>
    await data.GetFlakyAsync(attempts: 3, cancellation));

app.MapGet("/slow", async (DataClient data, CancellationToken cancellation) =>
    await data.GetSlowAsync(cancellation));

// The data service answers 500. The client's exception is not handled, so the answer of this service is 500 as well.
app.MapGet("/broken", async (DataClient data, CancellationToken cancellation) =>
    await data.GetBrokenAsync(cancellation));

// What is traced, what is not, and why.
app.MapGet("/debug/tracing", (MeshTracing tracing) => tracing.Describe());

await app.RunAsync();
