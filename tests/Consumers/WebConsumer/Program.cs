var builder = WebApplication.CreateBuilder(args);
builder.Services.AddMeshTracing();

var app = builder.Build();
app.MapGet("/hello/{name}", (string name) => $"Hello {name}");
app.Run();
