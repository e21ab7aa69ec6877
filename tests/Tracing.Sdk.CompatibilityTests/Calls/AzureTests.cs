using System.Collections.Concurrent;
using System.Diagnostics;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Security.KeyVault.Secrets;
using Azure.Storage;
using Azure.Storage.Blobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

// Azure.Core makes a span of each method of a client, and around each attempt a CLIENT span of its own source, Azure.Core.Http, which says the same as that of the platform.
// Azure.Experimental.EnableActivitySource, a switch of the process, is not needed: methods of both libraries here have spans without it.
[WorksWith("Azure.Storage.Blobs", "an INTERNAL span of each method, below it a CLIENT span of each attempt", Name = "Azure SDK")]
[WorksWith("Azure.Security.KeyVault.Secrets", "as `Azure.Storage.Blobs`; the first request is refused by the vault, which names its authority", Name = "Azure SDK")]
public sealed class AzureTests
{
    private readonly ConcurrentQueue<string> _received = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Blob_Uploaded_HasOneClientSpan(bool hasSubscriber)
    {
        using var subscriber = hasSubscriber ? new Subscriber() : null;
        await using var app = await StartAsync();
        await app.GetAsync("/upload");

        Assert.Equal(
            """
            SERVER GET /upload
              INTERNAL BlobClient.Upload
                CLIENT PUT
                  SERVER PUT /account/{**rest}
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    // Azure.Core keeps the traceparent of the first attempt on the message.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Blob_TriedAgain_HasOneClientSpanForEachAttempt(bool hasSubscriber)
    {
        using var subscriber = hasSubscriber ? new Subscriber() : null;
        await using var app = await StartAsync(failures: 2);
        await app.GetAsync("/upload");

        Assert.Equal(
            """
            SERVER GET /upload
              INTERNAL BlobClient.Upload
                CLIENT PUT !
                  SERVER PUT /account/{**rest} !
                CLIENT PUT !
                  SERVER PUT /account/{**rest} !
                CLIENT PUT
                  SERVER PUT /account/{**rest}
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [Fact]
    public async Task Blob_Uploaded_SendsTheIdOfTheClientSpanInBothFormats()
    {
        await using var app = await StartAsync();
        await app.GetAsync("/upload");
        var client = Assert.Single(await app.StopAsync(), span => span.Kind == "CLIENT");

        Assert.Equal($"00-{TracedApp.TraceId}-{client.Id}-01 {TracedApp.TraceId} {client.Id} 1", Assert.Single(_received));
    }

    [Fact]
    public async Task Blob_NotSampled_SendsNoInAllHeaders()
    {
        await using var app = await StartAsync();
        await app.GetAsync("/upload", TracedApp.NotSampled);

        Assert.Empty(await app.StopAsync());
        Assert.Matches($"^00-{TracedApp.TraceId}-(?<id>[0-9a-f]{{16}})-00 {TracedApp.TraceId} \\k<id> 0$", Assert.Single(_received));
    }

    [Theory]
    [InlineData("/secret")]
    [InlineData("/secret/async")]
    public async Task Secret_Read_HasOneClientSpanForEachRequest(string path)
    {
        await using var app = await StartAsync();
        Assert.Equal("hidden", await app.GetAsync(path));

        Assert.Equal(
            $"""
            SERVER GET {path}
              INTERNAL SecretClient.GetSecret
                CLIENT GET !
                  SERVER GET /secrets/{"{**rest}"}
                CLIENT GET
                  SERVER GET /secrets/{"{**rest}"}
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [Fact]
    public async Task Sources_NameIt_RecordsBoth()
    {
        await using var app = await StartAsync(options: o => o.Sources.Add("Azure.Core.Http"));
        await app.GetAsync("/upload");

        Assert.Equal(
            """
            SERVER GET /upload
              INTERNAL BlobClient.Upload
                CLIENT PUT
                  CLIENT PUT
                    SERVER PUT /account/{**rest}
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    private Task<TracedApp> StartAsync(int failures = 0, Action<MeshTracingOptions>? options = null) => TracedApp.StartAsync(
        app =>
        {
            app.MapGet("/upload", async () =>
            {
                var key = new StorageSharedKeyCredential("account", Convert.ToBase64String(new byte[32]));
                var blob = new BlobClient(new Uri($"{app.Urls.First()}/account/box/note.txt"), key, new BlobClientOptions { Retry = { Delay = TimeSpan.FromMilliseconds(1) } });
                await blob.UploadAsync(BinaryData.FromString("hello"), overwrite: true);
            });
            app.MapPut("/account/{**rest}", (HttpRequest request) =>
            {
                var headers = request.Headers;
                _received.Enqueue($"{headers["traceparent"]} {headers["x-b3-traceid"]} {headers["x-b3-spanid"]} {headers["x-b3-sampled"]}");
                request.HttpContext.Response.Headers.ETag = "\"1\"";
                request.HttpContext.Response.Headers.LastModified = "Sun, 01 Nov 2026 00:00:00 GMT";
                return Results.StatusCode(Interlocked.Decrement(ref failures) >= 0 ? 503 : 201);
            });
            app.MapGet("/secret", () => Secrets(app).GetSecret("name").Value.Value);
            app.MapGet("/secret/async", async () => (await Secrets(app).GetSecretAsync("name")).Value.Value);
            app.MapGet("/secrets/{**rest}", (HttpRequest request) =>
            {
                if (request.Headers.Authorization.Count > 0) return Results.Text("""{"value":"hidden","id":"https://vault.localhost/secrets/name/1","attributes":{}}""", "application/json");
                request.HttpContext.Response.Headers.WWWAuthenticate = "Bearer authorization=\"https://login.localhost/tenant\", resource=\"https://vault.azure.net\"";
                return Results.StatusCode(401);
            });
        },
        options: options);

    // A vault has to have an https address. What it says of its authority is kept for the life of the process.
    private static SecretClient Secrets(WebApplication app) => new(new Uri($"https://vault-{new Uri(app.Urls.First()).Port}.localhost"), new Credential(), new SecretClientOptions
    {
        DisableChallengeResourceVerification = true,
        Transport = new HttpClientTransport(new HttpClient(new Redirection(new Uri(app.Urls.First())))),
    });

    private sealed class Redirection(Uri address) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) => base.Send(Redirect(request), cancellationToken);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => base.SendAsync(Redirect(request), cancellationToken);

        private HttpRequestMessage Redirect(HttpRequestMessage request)
        {
            request.RequestUri = new Uri(address, request.RequestUri!.PathAndQuery);
            return request;
        }
    }

    private sealed class Credential : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => new("token", DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => new(GetToken(requestContext, cancellationToken));
    }

    // As Application Insights does: Azure.Core makes its activities for it, whatever its sources say.
    private sealed class Subscriber : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
    {
        private readonly ConcurrentBag<IDisposable> _subscriptions = [];

        public Subscriber() => _subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));

        public void OnNext(DiagnosticListener value)
        {
            if (value.Name.StartsWith("Azure.", StringComparison.Ordinal)) _subscriptions.Add(value.Subscribe(this));
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            // The event is wanted, and that is all.
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose()
        {
            foreach (var subscription in _subscriptions) subscription.Dispose();
        }
    }
}
