using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>What spans show of queries: the same on the server's side and on both kinds of client span.</summary>
public sealed class UrlRedactionTests
{
    [Theory]
    [InlineData("page=2&q=shoes", "*")]
    [InlineData("token", "*")]
    [InlineData("%7B", "*")]
    public Task Query_NoOption_IsAnAsterisk(string query, string expected) => CheckAsync(query, expected, _ => { });

    [Theory]
    [InlineData("page=2", "page=2")]
    [InlineData("page=2&q=shoes", "page=2&*")]
    [InlineData("q=shoes&page=2&x=1&size=5", "page=2&size=5&*")]
    [InlineData("q=shoes", "*")]
    [InlineData("page", "page")]
    [InlineData("page=", "page=")]
    [InlineData("Page=2", "*")]
    [InlineData("xpage=2", "*")]
    [InlineData("page=2&page=3", "page=2&page=3")]
    [InlineData("sort+by=name&a=1", "sort+by=name&*")]
    [InlineData("sort%20by=name", "sort%20by=name")]
    [InlineData("page=2&&", "page=2&*")]
    [InlineData("page=2;token=f00", "page=2&*")]
    [InlineData("q=shoes;page=2", "page=2&*")]
    public Task Query_ShownKeys_AreShownAndTheRestIsOneAsterisk(string query, string expected) => CheckAsync(query, expected, o =>
    {
        o.Http.ShownQueryKeys.Add("page");
        o.Http.ShownQueryKeys.Add("size");
        o.Http.ShownQueryKeys.Add("sort by");
    });

    [Theory]
    [InlineData("page=2&q=shoes", "page=2&q=shoes")]
    [InlineData("sig=abc&size=2", "sig=REDACTED&size=2")]
    [InlineData("a=1&X-Amz-Signature=f00&b", "a=1&X-Amz-Signature=REDACTED&b")]
    [InlineData("x-amz-signature=f00", "x-amz-signature=REDACTED")]
    [InlineData("access_token=f00&id_token=&code=1", "access_token=REDACTED&id_token=REDACTED&code=REDACTED")]
    [InlineData("accessToken=f00", "accessToken=REDACTED")]
    [InlineData("reset-token=f00", "reset-token=REDACTED")]
    [InlineData("X-Goog-Credential=f00", "X-Goog-Credential=REDACTED")]
    [InlineData("sig", "sig")]
    [InlineData("design=f00&monkey=1&signal=2", "design=f00&monkey=1&signal=2")]
    [InlineData("=sig&&x==&", "=sig&&x==&")]
    [InlineData("password=a=b", "password=REDACTED")]
    [InlineData("password2=f00&secret%5B0%5D=x&a2=1", "password2=REDACTED&secret%5B0%5D=REDACTED&a2=1")]
    [InlineData("a=1;token=f00;b=2", "a=1;token=REDACTED;b=2")]
    public Task Query_ShowQuery_IsShownWithoutTheValuesOfSecretKeys(string query, string expected) => CheckAsync(query, expected, o => o.Http.ShowQuery = true);

    [Fact]
    public Task Query_ShowQueryAndAShownSecretKey_ShowsItsValue() => CheckAsync("code=7&sig=x", "code=7&sig=REDACTED", o =>
    {
        o.Http.ShowQuery = true;
        o.Http.ShownQueryKeys.Add("code");
    });

    // A Uri decodes such keys itself, a server does not.
    [Theory]
    [InlineData(false, "p%61ge=2&%73ig=abc", "p%61ge=2&*")]
    [InlineData(true, "p%61ge=2&%73ig=abc", "p%61ge=2&%73ig=REDACTED")]
    public async Task Query_EncodedKey_IsComparedDecoded(bool showQuery, string query, string expected)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o =>
            {
                o.Http.ShowQuery = showQuery;
                o.Http.ShownQueryKeys.Add("page");
            });
        await service.GetAsync("/?" + query);

        Assert.Equal(expected, (await service.StopAsync()).Server().Tag("url.query"));
    }

    [Theory]
    [InlineData("GET /a?b=1#s3cr3t", "/a", "b=1")]
    [InlineData("GET /a#s3cr3t", "/a", null)]
    public async Task Target_WithAFragment_IsShownWithout(string startLine, string path, string? query)
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ => Task.CompletedTask), o => o.Http.ShowQuery = true);
        await WireClient.SendAsync(service.Address, startLine);
        var span = (await service.StopAsync()).Server();

        Assert.Equal((path, query), (span.Tag("url.path"), span.Tag("url.query")));
    }

    private static async Task CheckAsync(string query, string expected, Action<MeshTracingOptions> options)
    {
        await using var server = new WireServer();
        using var stub = new StubHandler();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async () =>
            {
                using var platform = new HttpClient(server.Handler());
                using var ours = new HttpClient(new MeshTracingHandler(stub));
                (await platform.GetAsync(new Uri($"http://user:pass@data/a?{query}#here"))).Dispose();
                (await ours.GetAsync(new Uri($"http://user:pass@data/a?{query}#here"))).Dispose();
                return Results.Ok();
            }),
            options);
        await service.GetAsync("/?" + query);
        var spans = await service.StopAsync();

        Assert.Equal(expected, spans.Server().Tag("url.query"));
        Assert.Equal([$"http://data/a?{expected}", $"http://data/a?{expected}"], spans.Clients().Select(s => s.Tag("url.full")));
    }
}
