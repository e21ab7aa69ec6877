using AppHost;
using Microsoft.Extensions.Configuration;
using Projects;

// client -> front Envoy -> API service -> egress Envoy -> data service, and the spans of all of them in the dashboard.
var builder = DistributedApplication.CreateBuilder(args);
var files = Directory.CreateTempSubdirectory("apphost-");

// The services are the samples as they are: they call AddMeshTracing(), and Aspire's variables say where their spans go.
var data = builder.AddProject<DataService>("data-service", options => options.ExcludeLaunchProfile = true)
    .WithHttpEndpoint()
    .WithEnvironment("Database__Path", Path.Combine(files.FullName, "shop.db"));

var egress = builder.AddEnvoy("egress-envoy", Listener.Egress, to: data.GetEndpoint("http"), files);

var api = builder.AddProject<ApiService>("api-service", options => options.ExcludeLaunchProfile = true)
    .WithHttpEndpoint()
    .WithEnvironment("DataService__BaseAddress", egress.GetEndpoint("http"))
    .WaitFor(egress);

// dotnet run --project samples/AppHost -- --FrontPort 8080
builder.AddEnvoy("front-envoy", Listener.Front, to: api.GetEndpoint("http"), files, builder.Configuration.GetValue("FrontPort", (int)Listener.Front))
    .WithExternalHttpEndpoints()
    .WithUrlForEndpoint("http", url => (url.Url, url.DisplayText) = ($"{url.Url}/orders/1", "an order"));

try
{
    await builder.Build().RunAsync();
}
finally
{
    files.Delete(recursive: true);
}
