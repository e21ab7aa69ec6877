using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Export;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>Secrets in every place of requests and calls that is not meant to be shown, searched in the bytes that both exporters send over real sockets.</summary>
public sealed class SecretTests
{
    // The key, the texts around the random part of the secret, and its alphabet. In parts, so that no scanner takes a line for a real secret.
    private static readonly (string Key, string Before, string After)[] Kinds =
    [
        ("X-Amz-Signature", "", ""), ("X-Amz-Credential", "AKIA", "/20260101/eu-west-1/s3/aws4_request"), ("X-Amz-Security-Token", "FwoGZXIvYXdz" + "E", "=="), ("AWSAccessKeyId", "ASIA", ""),
        ("X-Goog-Signature", "", ""), ("X-Goog-Credential", "svc@", ".iam.gserviceaccount.com/20260101/auto/storage/goog4_request"), ("key", "AIza" + "Sy", ""), ("access_token", "ya29" + ".", ""),
        ("sig", "", "%3D"), ("code", "0.A", "=="), ("client_secret", "8Q~", ""), ("SharedAccessSignature", "sr=x&sig=", ""),
        ("token", "gh" + "p_", ""), ("private_token", "gl" + "pat-", ""), ("slack", "xo" + "xb-1-2-", ""), ("hook", "T0/B0/", ""), ("stripe", "sk_" + "live_", ""), ("npm", "npm" + "_", ""),
        ("jwt", "ey" + "J", ".e30.c2ln"), ("id_token", "ey" + "JhbGciOiJub25lIn0.", "."), ("SAMLResponse", "PHNhbWxwOlJlc3Bvbn", ""),
        ("user", "", ""), ("password", "P@ss ", "!"), ("pwd", "", "#1"), ("session", "", ""), ("JSESSIONID", "", ".node0"), ("PHPSESSID", "", ""), ("sid", "s:", ".x"),
        ("reset_token", "", ""), ("invite", "", ""), ("otp", "", ""), ("email", "ada.", "@example.com"), ("to", "", "@example.org"), ("phone", "+49 30 ", ""),
        ("card", "4111", ""), ("iban", "DE02", ""), ("ssn", "", ""), ("api_key", "", ""), ("apikey", "", ""), ("x", "-----BEGIN ", " KEY-----"),
        ("database", "postgres://app:", "@db:5432/shop"), ("q", "", ""), ("redirect_uri", "https://h/cb?code=", ""), ("state", "", ""), ("assertion", "", ""),
        ("sendgrid", "SG" + ".", ".x"), ("twilio", "SK", ""), ("mailgun", "key-", ""), ("heroku", "", "-aaaa-bbbb"), ("nonce", "", ""),
    ];

    private static readonly string[] Exporters = ["otlp", "zipkin"];

    [Fact]
    public async Task Export_HundredSecretsAnywhere_HasNoneInItsBytes()
    {
        var (secrets, bytes, paths) = await ExportAsync(_ => { });

        Assert.Equal(100, secrets.Count);
        Assert.All(bytes, b => Assert.All(paths, path => Assert.Contains(path, b, StringComparison.Ordinal)));
        Assert.All(bytes, b => Assert.All(secrets, secret => Assert.DoesNotContain(secret, b, StringComparison.OrdinalIgnoreCase)));
    }

    // The search finds them where they are shown.
    [Fact]
    public async Task Export_QueriesShown_HasTheSecretsOfUnknownKeys()
    {
        var (secrets, bytes, _) = await ExportAsync(o => o.Http.ShowQuery = true);

        Assert.All(bytes, b => Assert.All(secrets, secret => Assert.Contains(secret, b, StringComparison.Ordinal)));
    }

    private static async Task<(IReadOnlyList<string> Secrets, string[] Bytes, IReadOnlyList<string> Paths)> ExportAsync(Action<MeshTracingOptions> options)
    {
        using var collector = new ScriptedCollector();
        await using var server = new WireServer((_, number) => number % 2 == 0 ? "200 OK" : "500 No");
        using var stub = new StubHandler((request, _) => throw new HttpRequestException(HttpRequestError.ConnectionError, $"No connection to {request.RequestUri!.Authority}."));
        using var platform = new HttpClient(server.Handler());
        using var ours = new HttpClient(new MeshTracingHandler(stub));
        using var failing = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, _) => throw new IOException("No connection.") });
        await using var service = await TestService.StartAsync(
            app =>
            {
                // A path of their own tells the requests apart.
                app.MapGet("/in/{n}", async (int n, HttpContext context) =>
                {
                    var (user, query) = (context.Request.Headers.Cookie.ToString(), context.Request.QueryString.Value);
                    foreach (var client in new[] { platform, ours, failing })
                    {
                        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://me:{user}@data/out/{n}{query}#{user}");
                        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + user);
                        request.Headers.TryAddWithoutValidation("Cookie", user);
                        try
                        {
                            (await client.SendAsync(request)).Dispose();
                        }
                        catch (HttpRequestException)
                        {
                        }
                    }

                    if (n % 3 == 0) throw new InvalidOperationException($"No order at amqp://{user}@mq/orders.");
                });
            },
            o =>
            {
                o.Export.Exporters.Clear();
                foreach (var exporter in Exporters) o.Export.Exporters.Add(exporter);
                o.Export.HttpHandler = null;
                o.Export.Otlp.Endpoint = new Uri($"http://127.0.0.1:{collector.Port}/otlp");
                o.Export.Otlp.Protocol = OtlpProtocol.HttpProtobuf;
                o.Export.Zipkin.Endpoint = new Uri($"http://127.0.0.1:{collector.Port}/zipkin");
                options(o);
            });

        var secrets = new List<string>();
        for (var n = 0; n < Kinds.Length; n++)
        {
            // One as the value of a key, one alone.
            var (first, second) = (Random(), Random());
            secrets.AddRange([first, second]);
            var (key, before, after) = Kinds[n];
            var value = Uri.EscapeDataString(before + first + after);
            var query = $"page=1&{(IsHiddenByItsKey(key) ? "note" : key)}={value}&{second}";
            await WireClient.SendAsync(
                service.Address, $"GET http://me:{first}@shop/in/{n}?{query}#{second}",
                "Host: shop", "Authorization: Basic " + first, "Cookie: " + first, "X-Api-Key: " + second, "Proxy-Authorization: " + second);
            await WireClient.SendAsync(service.Address, $"GET /in/{n}?{key}={value}", "Host: shop", "Cookie: " + first);
        }

        await service.StopAsync();
        var bytes = Exporters.Select(e => string.Concat(collector.Requests.Where(r => r.Line.Contains("/" + e, StringComparison.Ordinal)).Select(r => Encoding.Latin1.GetString(r.Content))));
        return (secrets, [.. bytes], [.. Enumerable.Range(0, Kinds.Length).SelectMany(n => new[] { $"/in/{n}", $"/out/{n}" })]);
    }

    // Shown queries hide the values of these, and the second test wants to find every secret.
    private static bool IsHiddenByItsKey(string key) => key is not ("slack" or "hook" or "stripe" or "user" or "email" or "to" or "phone" or "card" or "iban" or "q" or "x");

    private static string Random() => RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 20);
}
