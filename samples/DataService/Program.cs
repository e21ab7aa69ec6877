using DataService;

var builder = WebApplication.CreateBuilder(args);

builder.Services.AddMeshTracing();
builder.Services.AddSingleton<ShopDatabase>();
builder.Services.AddSingleton<FirstCalls>();

var app = builder.Build();

await app.Services.GetRequiredService<ShopDatabase>().CreateAsync();

app.MapGet("/orders/{id}", async (int id, ShopDatabase shop, CancellationToken cancellation) =>
    await shop.FindOrderAsync(id, cancellation) is { } order ? Results.Ok(order) : Results.NotFound());

app.MapGet("/orders/{id}/lines", async (int id, ShopDatabase shop, CancellationToken cancellation) =>
    await shop.FindLinesAsync(id, cancellation));

app.MapGet("/customers/{id}", async (int id, ShopDatabase shop, CancellationToken cancellation) =>
    await shop.FindCustomerAsync(id, cancellation) is { } customer ? Results.Ok(customer) : Results.NotFound());

// A slow query: all of its time is spent inside the database.
app.MapGet("/slow", async (ShopDatabase shop, CancellationToken cancellation) =>
    await shop.CountSlowlyAsync(cancellation));

// The query names a table that does not exist: the database throws, the exception is not handled, and the answer is 500.
app.MapGet("/broken", async (ShopDatabase shop, CancellationToken cancellation) =>
    await shop.ReadFromMissingTableAsync(cancellation));

// The first attempt of a request fails, the second succeeds. Envoy's x-request-id identifies the request.
app.MapGet("/flaky", async (HttpRequest request, string? key, FirstCalls firstCalls, ShopDatabase shop, CancellationToken cancellation) =>
    firstCalls.IsFirst(key ?? request.Headers["x-request-id"].ToString())
        ? Results.StatusCode(StatusCodes.Status503ServiceUnavailable)
        : Results.Ok(await shop.FindOrderAsync(1, cancellation)));

await app.RunAsync();
