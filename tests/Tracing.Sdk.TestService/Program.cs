using System.Text.Json;
using Grpc.Net.Client;
using Tracing.Sdk.TestService;

if (args is ["end", var ending, .. var arguments])
{
    Endings.Run(ending, arguments.FirstOrDefault() ?? "");
    return;
}

// What an application would write; the tests watch it from outside, over sockets.
var builder = WebApplication.CreateBuilder(args);
builder.Services.AddMeshTracing();
builder.Services.AddHttpClient();
builder.Services.AddGrpc();
if (builder.Configuration["Queue:Server"] is not null)
{
    builder.Services.AddSingleton<OrderQueue>();
    builder.Services.AddHostedService(services => services.GetRequiredService<OrderQueue>());
}

var app = builder.Build();
var plain = new HttpClient();

// The part of the path after the verb is the test's own: it tells its server span from all others.
app.MapGet("/echo-call/{**tag}", (string[] url, IHttpClientFactory clients) => Call(clients.CreateClient(), url));
app.MapGet("/raw-call/{**tag}", (string[] url) => Call(plain, url));
app.MapGet("/no-call/{**tag}", () => "");

// What came in, for a caller that wants to know what a proxy made of its headers.
app.MapGet("/headers/{**tag}", (HttpRequest request) => request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()));
app.MapGet("/third-attempt/{**tag}", (HttpRequest request) => request.Headers["x-envoy-attempt-count"] == "3"
    ? Results.Ok(request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()))
    : Results.StatusCode(StatusCodes.Status503ServiceUnavailable));
app.MapGet("/odd-spans/{**tag}", () =>
{
    OddSpans.Make();
    return OddSpans.Names;
});
app.MapGet("/whole-spans/{**tag}", (string link) => WholeSpans.Make(link));
app.MapGet("/large-spans/{**tag}", (int count, int bytes) => WholeSpans.MakeLarge(count, bytes));
app.MapGet("/fail/{**tag}", string () => throw new InvalidOperationException("The order is gone."));

// The same over gRPC, through a channel that user code made by itself.
app.MapGrpcService<EchoService>();
app.MapGet("/grpc-call/{**tag}", async (string url) =>
{
    using var channel = GrpcChannel.ForAddress(url);
    return (await new Echo.EchoClient(channel).HeadersAsync(new HeadersRequest())).Headers;
});

// All four kinds of call, to and from services of other languages.
app.MapGrpcService<ShopService>();
app.MapGet("/shop-call/{**tag}", (string target, string kind, string? url) => ShopClient.CallAsync(target, kind, url));

// A message, whose consumer calls the URL.
app.MapGet("/publish/{**tag}", (string url, IServiceProvider services) => services.GetRequiredService<OrderQueue>().PublishAsync(url));

// User code that starts a trace of its own by hand.
app.MapGet("/own-headers/{**tag}", (string url, bool raw, IHttpClientFactory clients) =>
    Send(raw ? plain : clients.CreateClient(), url, new()
    {
        ["traceparent"] = "00-11111111111111111111111111111111-2222222222222222-01",
        ["tracestate"] = "congo=t61rcWkgMzE",
        ["x-request-id"] = "by-hand",
    }));

// User code from before there was tracing: it hands on what came in, as the documentation of every mesh asks.
app.MapGet("/copied-headers/{**tag}", (string url, bool raw, IHttpClientFactory clients, HttpRequest request) =>
    Send(raw ? plain : clients.CreateClient(), url, request.Headers
        .Where(header => header.Key.StartsWith("x-", StringComparison.OrdinalIgnoreCase) || header.Key is "traceparent" or "tracestate" or "b3")
        .ToDictionary(header => header.Key, header => header.Value.ToString())));

// The service side of the W3C trace-context test harness: POST every `arguments` to its `url`, one after the other.
app.MapPost("/test/{**tag}", async (IHttpClientFactory clients, JsonElement body) =>
{
    foreach (var call in body.EnumerateArray())
    {
        using var response = await clients.CreateClient().PostAsJsonAsync(
            call.GetProperty("url").GetString(), call.GetProperty("arguments"));
    }
});

app.Run();

// All at once: parallel calls must not mix up each other's contexts. Answers with what the last one answered.
static async Task<string> Call(HttpClient client, string[] urls)
{
    var responses = await Task.WhenAll(urls.Select(url => client.GetAsync(url)));
    var answer = await responses[^1].Content.ReadAsStringAsync();
    Array.ForEach(responses, response => response.Dispose());
    return answer;
}

static async Task Send(HttpClient client, string url, Dictionary<string, string> headers)
{
    using var request = new HttpRequestMessage(HttpMethod.Get, url);
    foreach (var (name, value) in headers)
        request.Headers.TryAddWithoutValidation(name, value);
    using var response = await client.SendAsync(request);
}
